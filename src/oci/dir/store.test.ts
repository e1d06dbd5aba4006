import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pushImage } from "../../../test/support/store-contract.ts";
import { describeBytes } from "../descriptor.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { bytesOnce, fetchDocument } from "../store.ts";
import { DirStore } from "./store.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "slipway-dir-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("DirStore", () => {
  it("holds one image, its manifest as manifest.json", async () => {
    const store = await DirStore.create(directory);
    const image = await pushImage(store, "one");
    await expect(store.resolve()).rejects.toMatchObject({ code: "NOT_FOUND" });
    await store.tag(image);
    const again = await DirStore.open(directory);
    expect(await again.resolve()).toEqual(image);
    expect(await again.list()).toEqual([{ name: undefined, descriptor: image }]);
    expect(Buffer.from(await fetchDocument(again, image))).toEqual(readFileSync(join(directory, "manifest.json")));
    expect(readFileSync(join(directory, "version"), "utf8")).toBe("Directory Transport Version: 1.1\n");
  });

  it("replaces the image and keeps what both have", async () => {
    const first = await DirStore.create(directory);
    await first.tag(await pushImage(first, "one"));
    writeFileSync(join(directory, "signature-1"), "x");
    const before = readdirSync(directory).length;
    const second = await DirStore.create(directory);
    const image = await pushImage(second, "another");
    await second.tag(image);
    expect(await second.resolve()).toEqual(image);
    expect(readdirSync(directory).length).toBe(before - 1);
    expect(existsSync(join(directory, "signature-1"))).toBe(false);
  });

  it("gets the same image twice without harm", async () => {
    for (let round = 0; round < 2; round++) {
      const store = await DirStore.create(directory);
      await store.tag(await pushImage(store, "one"));
    }
    expect(readdirSync(directory).length).toBe(4);
  });

  it("refuses directories that hold other things, and touches nothing there", async () => {
    writeFileSync(join(directory, "thesis.txt"), "x");
    await expect(DirStore.create(directory)).rejects.toMatchObject({ code: "BAD_LAYOUT" });
    expect(readdirSync(directory)).toEqual(["thesis.txt"]);
  });

  it("refuses directories that hold no image", async () => {
    await expect(DirStore.open(directory)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(DirStore.open(join(directory, "absent"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    writeFileSync(join(directory, "manifest.json"), "no JSON");
    await expect(DirStore.open(directory)).rejects.toMatchObject({ code: "BAD_MANIFEST" });
    rmSync(join(directory, "manifest.json"));
    mkdirSync(join(directory, "manifest.json"));
    await expect(DirStore.open(directory)).rejects.toThrow("EISDIR");
  });

  it("refuses blobs that are not what their names say", async () => {
    const store = await DirStore.create(directory);
    const blob = describeBytes(MEDIA_TYPE.layer, Buffer.from("hello"));
    await store.push(blob, bytesOnce(Buffer.from("hello")));
    writeFileSync(join(directory, blob.digest.slice(7)), "hellO");
    await expect(fetchDocument(store, blob)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    rmSync(join(directory, blob.digest.slice(7)));
    await expect(fetchDocument(store, blob)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
