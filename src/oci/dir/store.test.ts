import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pushImage } from "../../../test/support/store-contract.ts";
import { copyImage } from "../copy.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { EMPTY_INDEX, formatImageIndex } from "../image-index.ts";
import { LayoutStore } from "../layout/store.ts";
import { parseManifest } from "../manifest.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { addLayers } from "../signature/attach.ts";
import { copySignatures } from "../signature/copy.ts";
import { signatureName, storeSignatures } from "../signature/find.ts";
import { bytesOnce, fetchDocument, pushBytes, type ReadableStore } from "../store.ts";
import { DirStore } from "./store.ts";

let directory: string;
const payloads = async (store: ReadableStore, { digest }: Descriptor): Promise<readonly string[]> => {
  const found = await Array.fromAsync(storeSignatures(store).signatures(digest));
  return found.flatMap((each) => ("form" in each && each.where.includes(".sig") ? [each.signed.toString()] : []));
};
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

  it("holds cosign's signatures as files of containers/image, and gives them back", async () => {
    const VECTORS = join(import.meta.dirname, "../../../test/vectors/cosign/layout");
    const vectors = await LayoutStore.open(VECTORS);
    const image = await vectors.resolve("1");
    for (let round = 0; round < 2; round++) {
      const store = await DirStore.create(directory);
      await copyImage(vectors, image, store, undefined);
      await copySignatures(vectors, image, store, "simple");
      await store.tag(image);
    }
    const files = readdirSync(directory).filter((name) => name.startsWith("signature-"));
    expect(files).toEqual(["signature-1", "signature-2"]);
    expect(readdirSync(directory).length).toBe(2 + files.length + 2);
    const first = readFileSync(join(directory, "signature-1"), "latin1");
    expect(first).toMatch(
      /^\0sigstore-json\n\{"mimeType":"application\/vnd.dev.cosign.simplesigning.v1\+json","payload":"/,
    );
    expect(await payloads(await DirStore.open(directory), image)).toEqual(await payloads(vectors, image));
  });

  it("keeps a blob of the image that a signature calls its own", async () => {
    const store = await DirStore.create(directory);
    const image = await pushImage(store, "one");
    const { config, layers } = parseManifest(await fetchDocument(store, image), "");
    await addLayers(store, signatureName(image.digest), [...layers, { ...config, mediaType: "text/plain" }]);
    await store.tag(image);
    for (const each of [config, ...layers]) expect(await store.exists(each)).toBe(true);
  });

  it("keeps signatures of the members of an index apart", async () => {
    const store = await DirStore.create(directory);
    const image = await pushImage(store, "member");
    const bytes = formatImageIndex({ ...EMPTY_INDEX, manifests: [image] });
    const index = describeBytes(MEDIA_TYPE.index, bytes);
    await pushBytes(store, index, bytes);
    const layer = describeBytes("text/plain", Buffer.from("payload"));
    await pushBytes(store, layer, Buffer.from("payload"));
    for (const each of [index, image])
      await addLayers(store, signatureName(each.digest), [{ ...layer, annotations: { of: each.digest } }]);
    await store.tag(index);
    const again = await DirStore.open(directory);
    expect(readdirSync(directory).filter((name) => name.includes("signature-"))).toEqual(
      [`${image.digest.slice(7)}.signature-1`, "signature-1"].sort(),
    );
    for (const each of [index, image]) {
      const { layers } = parseManifest(await fetchDocument(again, await again.resolve(signatureName(each.digest))), "");
      expect(layers).toEqual([{ ...layer, annotations: { of: each.digest } }]);
    }
  });

  it.each([
    ["that is cut", "\0sigstore-json\n{", "BAD_MANIFEST"],
    ["that says nothing", "\0sigstore-json\n{}", "BAD_MANIFEST"],
    ["without base64", '\0sigstore-json\n{"mimeType":"a","payload":"?"}', "BAD_MANIFEST"],
    ["that is large", `\0sigstore-json\n${"x".repeat(600_000)}`, "LIMIT"],
    ["of OpenPGP", "\x88 OpenPGP", "NOT_FOUND"],
  ])("takes no signature file %s", async (_, text, code) => {
    const store = await DirStore.create(directory);
    const image = await pushImage(store, "one");
    await store.tag(image);
    writeFileSync(join(directory, "signature-1"), text, "latin1");
    await expect(store.resolve(signatureName(image.digest))).rejects.toMatchObject({ code });
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
