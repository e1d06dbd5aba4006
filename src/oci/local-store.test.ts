import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pushImage } from "../../test/support/store-contract.ts";
import { indexesOf, keepIndexes } from "./chosen-from.ts";
import { describeBytes, type Descriptor } from "./descriptor.ts";
import { formatImageIndex } from "./image-index.ts";
import { type LocalStore, openLocalStore, pruneStore, sizeOfStore } from "./local-store.ts";
import { MEDIA_TYPE } from "./media-types.ts";
import { pushBytes } from "./store.ts";

let directory: string;
let store: LocalStore;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "slipway-store-"));
  store = await openLocalStore(directory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const blobs = (): string[] => readdirSync(join(directory, "blobs/sha256"));
const writers = (): string[] => readdirSync(join(directory, "writers"));

/** As if everything had been written long ago by processes that are gone. */
function growOld(): void {
  const past = new Date(Date.now() - 3_600_000);
  for (const name of blobs()) utimesSync(join(directory, "blobs/sha256", name), past, past);
  if (existsSync(join(directory, "writers"))) rmSync(join(directory, "writers"), { recursive: true });
}

describe("pruneStore", () => {
  it("removes what no name leads to, and nothing else", async () => {
    const one = await pushImage(store.images, "one");
    const other = await pushImage(store.images, "other");
    const bytes = formatImageIndex({ mediaType: MEDIA_TYPE.index, manifests: [one], annotations: {} });
    const list = describeBytes(MEDIA_TYPE.index, bytes);
    await pushBytes(store.images, list, bytes);
    await store.images.tag(list, "list");
    await store.images.tag(other, "other");
    growOld();
    expect(await pruneStore(store)).toMatchObject({ blobs: 0, kept: 0 });
    await store.images.delete("other");
    const before = blobs().length;
    expect(await pruneStore(store, { dryRun: true })).toMatchObject({ blobs: 2, kept: 0 });
    expect(blobs().length).toBe(before);
    const size = await sizeOfStore(store);
    const pruned = await pruneStore(store);
    expect(pruned).toMatchObject({ blobs: 2, kept: 0 });
    expect(blobs().length).toBe(before - 2);
    expect((await sizeOfStore(store)).blobBytes).toBe(size.blobBytes - pruned.bytes);
    for (const descriptor of [list, one]) expect(await store.images.exists(descriptor)).toBe(true);
  });

  it("keeps what a running command has pushed or counts on, though no name leads there yet", async () => {
    const old = await pushImage(store.images, "old");
    growOld();
    // This process is registered from its first look on.
    const running = await openLocalStore(directory);
    expect(await running.images.exists(old)).toBe(true);
    expect(writers().length).toBe(1);
    const fresh = await pushImage(running.images, "fresh");
    const result = await pruneStore(store);
    expect(result.kept).toBeGreaterThanOrEqual(3);
    for (const descriptor of [old, fresh]) expect(await running.images.exists(descriptor)).toBe(true);
    // The config of the old image was not looked at: that would be a mistake of the command, not of prune.
    expect(result.blobs).toBe(1);
  });

  it("counts neither processes that are gone nor numbers that came back", async () => {
    await pushImage(store.images, "old");
    growOld();
    mkdirSync(join(directory, "writers"));
    const namespace = readlinkSync("/proc/self/ns/pid");
    const { pid } = spawnSync("true");
    const past = new Date(Date.now() - 7_200_000);
    for (const text of [`${pid} ${namespace} 1`, `${process.pid} ${namespace} 1`]) {
      const path = join(directory, "writers", `${encodeURIComponent(text)}-abc`);
      writeFileSync(path, "");
      utimesSync(path, past, past);
    }
    expect(await pruneStore(store)).toMatchObject({ blobs: 3, kept: 0 });
    expect(writers()).toEqual([]);
  });

  it.each([`${encodeURIComponent("1 pid:[1] 1")}-abc`, "%E0%A4%A-abc", "x"])(
    "trusts processes that it cannot ask, and names that are none (%s), for a day",
    async (name) => {
      await pushImage(store.images, "old");
      growOld();
      mkdirSync(join(directory, "writers"));
      const path = join(directory, "writers", name);
      writeFileSync(path, "");
      const setAge = (hours: number): void => {
        const then = new Date(Date.now() - hours * 3_600_000);
        utimesSync(path, then, then);
      };
      setAge(2);
      expect(await pruneStore(store)).toMatchObject({ blobs: 0, kept: 3 });
      setAge(25);
      expect(await pruneStore(store)).toMatchObject({ blobs: 3, kept: 0 });
    },
  );

  it("brings back what a prune that was killed had put aside", async () => {
    const image = await pushImage(store.images, "one");
    await store.images.tag(image, "one");
    const path = store.images.blobPath(image);
    renameSync(path, `${path}.pruned`);
    growOld();
    expect(await pruneStore(store)).toMatchObject({ blobs: 0 });
    expect(await store.images.exists(image)).toBe(true);
  });

  it("removes signatures when their image is gone, not before", async () => {
    const image = await pushImage(store.images, "one");
    const signature = await pushImage(store.images, "signature");
    const name = `sha256-${image.digest.slice("sha256:".length)}`;
    await store.images.tag(image, "one");
    for (const each of [`${name}.sig`, name]) await store.images.tag(signature, each);
    growOld();
    expect(await pruneStore(store)).toMatchObject({ blobs: 0 });
    await store.images.delete("one");
    // A command that runs may be about to name the image.
    const running = await openLocalStore(directory);
    await running.images.exists(signature);
    expect((await pruneStore(store, { dryRun: true })).kept).toBe(0);
    expect((await store.images.list()).length).toBe(2);
    growOld();
    expect(await pruneStore(store, { dryRun: true })).toMatchObject({ blobs: blobs().length });
    await pruneStore(store);
    expect(await store.images.list()).toEqual([]);
    expect(blobs()).toEqual([]);
  });

  it("keeps the index that an image was chosen from, its signatures too, but not its other images", async () => {
    const [image, other] = [await pushImage(store.images, "one"), await pushImage(store.images, "other")];
    const bytes = formatImageIndex({ mediaType: MEDIA_TYPE.index, manifests: [image, other], annotations: {} });
    const index = describeBytes(MEDIA_TYPE.index, bytes);
    await pushBytes(store.images, index, bytes);
    const annotations = await keepIndexes(store.images, [index], store.images);
    await store.images.tag({ ...image, annotations }, "one");
    const signature = await pushImage(store.images, "signature");
    await store.images.tag(signature, `sha256-${index.digest.slice("sha256:".length)}.sig`);
    growOld();
    expect(await pruneStore(store)).toMatchObject({ blobs: 2, kept: 0 });
    for (const each of [image, index, signature]) expect(await store.images.exists(each)).toBe(true);
    expect(await store.images.exists(other)).toBe(false);
    expect(await indexesOf(store.images, await store.images.resolve("one"))).toEqual([index]);
    expect(await indexesOf(store.images, { ...signature, annotations })).toEqual([]);
  });

  it("removes decompressed layers of images that are not here", async () => {
    mkdirSync(join(directory, "cache", "a".repeat(64)));
    expect(await pruneStore(store, { dryRun: true })).toMatchObject({ cachedLayers: 1 });
    expect(await pruneStore(store)).toMatchObject({ cachedLayers: 1 });
    expect(readdirSync(join(directory, "cache"))).toEqual([]);
  });

  it("does not mind a manifest that is missing or spoilt", async () => {
    const image: Descriptor = await pushImage(store.images, "one");
    await store.images.tag(image, "one");
    growOld();
    rmSync(store.images.blobPath(image));
    expect(await pruneStore(store)).toMatchObject({ blobs: 2 });
  });
});
