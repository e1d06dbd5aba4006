import { mkdtempSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../base/digest.ts";
import { copyImage } from "../copy.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { formatManifest } from "../manifest.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { bytesOnce, fetchDocument, pushBytes, type Store } from "../store.ts";
import { LayoutStore } from "./store.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-layout-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function blobs(): string[] {
  return readdirSync(join(directory, "blobs/sha256"));
}

const hello = Buffer.from("hello");
const helloBlob = describeBytes(MEDIA_TYPE.layer, hello);

describe("LayoutStore", () => {
  it("leaves no partial file behind a failed push", async () => {
    const store = await LayoutStore.create(directory);
    await expect(store.push(helloBlob, bytesOnce(Buffer.from("other")))).rejects.toThrow("digest");
    expect(blobs()).toEqual([]);
  });

  it("keeps bytes that are only being made, under the digest that they turn out to have", async () => {
    const store = await LayoutStore.create(directory);
    for (const _ of ["new", "there already"]) {
      expect(await store.write(MEDIA_TYPE.layer, bytesOnce(hello))).toEqual(helloBlob);
      expect(blobs()).toEqual([helloBlob.digest.slice("sha256:".length)]);
    }
    expect(Buffer.from(await fetchDocument(store, helloBlob)).toString()).toBe("hello");
    const failing = (async function* bytes(): AsyncGenerator<Uint8Array> {
      yield hello;
      throw new Error("no more");
    })();
    await expect(store.write(MEDIA_TYPE.layer, failing)).rejects.toThrow("no more");
    expect(blobs()).toHaveLength(1);
  });

  it("notices blobs that were cut or changed", async () => {
    const store = await LayoutStore.create(directory);
    await store.push(helloBlob, bytesOnce(hello));
    writeFileSync(store.blobPath(helloBlob), "jello");
    await expect(fetchDocument(store, helloBlob)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    truncateSync(store.blobPath(helloBlob), 2);
    await expect(fetchDocument(store, helloBlob)).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    expect(await store.exists(helloBlob)).toBe(false);
  });

  it("goes on in the middle of a blob", async () => {
    const store = await LayoutStore.create(directory);
    await store.push(helloBlob, bytesOnce(hello));
    expect(Buffer.concat(await Array.fromAsync(store.fetchFrom(helloBlob, 2))).toString()).toBe("llo");
    expect(await Array.fromAsync(store.fetchFrom(helloBlob, 5))).toEqual([]);
  });

  it("keeps all names of writers that run at once", async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => LayoutStore.create(directory)));
    await Promise.all(stores.map((store, index) => store.tag(helloBlob, `name-${index}`)));
    expect((await stores[0]?.list())?.map(({ name }) => name).sort()).toEqual(
      stores.map((_, index) => `name-${index}`),
    );
    expect(readdirSync(directory).filter((name) => name.includes("lock"))).toEqual([]);
  });

  it("takes over the lock of a process that died", async () => {
    const store = await LayoutStore.create(directory);
    writeFileSync(
      join(directory, ".index.json.lock"),
      `4194305 ${readlinkSync("/proc/self/ns/pid")} 0011223344556677\n`,
    );
    await store.tag(helloBlob, "a");
    expect((await store.list()).length).toBe(1);
  });

  it.each([
    ["no layout", "NOT_FOUND", (): void => undefined],
    ["a marker that is no JSON", "BAD_LAYOUT", (): void => writeFileSync(join(directory, "oci-layout"), "x")],
    [
      "another version",
      "BAD_LAYOUT",
      (): void => writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"2.0"}'),
    ],
    [
      "no index",
      "BAD_LAYOUT",
      (): void => writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}'),
    ],
  ])("refuses %s", async (_, code, prepare) => {
    prepare();
    await expect(LayoutStore.open(directory)).rejects.toMatchObject({ name: "OciError", code });
  });
});

describe("copyImage", () => {
  async function pushImage(store: Store): Promise<Descriptor> {
    await pushBytes(store, helloBlob, hello);
    const config = Buffer.from("{}");
    await pushBytes(store, describeBytes(MEDIA_TYPE.config, config), config);
    const manifest = formatManifest({
      mediaType: MEDIA_TYPE.manifest,
      config: describeBytes(MEDIA_TYPE.config, config),
      layers: [helloBlob, helloBlob],
      annotations: {},
    });
    const descriptor = describeBytes(MEDIA_TYPE.manifest, manifest);
    await pushBytes(store, descriptor, manifest);
    return descriptor;
  }

  it("copies each blob once, nothing that is there, the name last", async () => {
    const from = new MemoryStore();
    const to = await LayoutStore.create(directory);
    const descriptor = await pushImage(from);
    const seen: boolean[] = [];
    const onBlob = (_: Descriptor, reused: boolean): void => void seen.push(reused);
    await copyImage(from, descriptor, to, "os", { onBlob });
    await copyImage(from, descriptor, to, "os", { onBlob });
    expect(seen).toEqual([false, false, true, true]);
    expect((await to.resolve("os")).digest).toBe(descriptor.digest);
    expect(blobs().length).toBe(3);
  });

  it("sets no name when a blob is missing", async () => {
    const from = new MemoryStore();
    const descriptor = await pushImage(from);
    const elsewhere = digestOf(Buffer.from("elsewhere"));
    const fetch = from.fetch.bind(from);
    from.fetch = (wanted) => fetch(wanted.digest === helloBlob.digest ? { ...wanted, digest: elsewhere } : wanted);
    const to = await LayoutStore.create(directory);
    await expect(copyImage(from, descriptor, to, "os")).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(await to.list()).toEqual([]);
  });
});
