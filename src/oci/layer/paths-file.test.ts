import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestHex } from "../../base/digest.ts";
import { contentBytes, contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import { entriesToTar, type LayerEntry } from "../../tree/index.ts";
import { describeBytes } from "../descriptor.ts";
import type { ImageLayer } from "../image.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { pushBytes } from "../store.ts";
import { LayerCache } from "./cache.ts";
import type { LayerPaths } from "./paths-file.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-paths-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const PLAIN = { uid: 0, gid: 0, mtimeSeconds: 5, xattrs: [], target: "", content: EMPTY_CONTENT, major: 0, minor: 0 };

function file(path: string, bytes: Uint8Array): LayerEntry {
  return { ...PLAIN, type: "file", path, mode: 0o644, content: contentOf(bytes) };
}

const HOLEY = Buffer.concat([Buffer.alloc(5000, 1), Buffer.alloc(300_000), Buffer.alloc(5000, 2)]);
// More than a page, in no order.
const MANY = Array.from({ length: 500 }, (_, index) => file(`many/${(index * 7919) % 500}`, Buffer.from(`${index}`)));
const ENTRIES: readonly LayerEntry[] = [
  ...MANY,
  { ...file("\xffodd\nname", Buffer.from("odd")), xattrs: [{ name: "user.x", value: Buffer.from([0, 255]) }] },
  file("holey", HOLEY),
  { ...PLAIN, type: "hardlink", path: "hard", mode: 0, target: "holey" },
  { ...PLAIN, type: "symlink", path: "link", mode: 0o777, target: "\xfe" },
  { ...PLAIN, type: "block", path: "disk", mode: 0o600, major: 8, minor: 1 },
  { ...PLAIN, type: "directory", path: "own", mode: 0o700 },
  file("own/.wh.gone", Buffer.alloc(0)),
  file("opaque/.wh..wh..opq", Buffer.alloc(0)),
];

/** Adopted as a layer that was made here; the store has its tar as it is. */
async function adopt(
  cache: LayerCache,
  entries: readonly LayerEntry[],
): Promise<{ layer: ImageLayer; store: MemoryStore }> {
  const store = new MemoryStore();
  const layer = await cache.adopt(entriesToTar(entries), async (tar) => {
    const bytes = Buffer.concat(await Array.fromAsync(tar));
    const descriptor = describeBytes(MEDIA_TYPE.layer, bytes);
    await pushBytes(store, descriptor, bytes);
    return descriptor;
  });
  return { layer, store };
}

async function textAt(paths: LayerPaths, path: string): Promise<string> {
  const inode = (await paths.find(path))?.inode;
  return inode?.type === "file" ? Buffer.from(await contentBytes(inode.content, 1 << 20)).toString("latin1") : "none";
}

describe("LayerCache.adopt", () => {
  it("keeps a layer that is being made as if it had been read", async () => {
    const cache = await LayerCache.open(join(directory, "adopted"));
    const { layer, store } = await adopt(cache, ENTRIES);
    // Nothing to read it from: the blob is not needed.
    using adopted = await cache.open(new MemoryStore(), layer);
    using read = await (await LayerCache.open(join(directory, "read"))).open(store, layer);
    const facts = ({ content, ...entry }: LayerEntry): unknown => [
      entry,
      content.sizeBytes,
      content.extents.map(({ at, length, sourceOffset }) => [at, length, sourceOffset]),
    ];
    expect(adopted.entries.map(facts)).toEqual(read.entries.map(facts));
    expect(layer.diffId).toBe(layer.descriptor.digest);
  });
});

describe("the names of a layer", () => {
  it("are found with all that the layer says about them", async () => {
    const cache = await LayerCache.open(directory);
    const { layer, store } = await adopt(cache, ENTRIES);
    for (const _ of ["made", "read back"]) {
      using paths = await cache.openPaths(store, layer);
      expect(paths.isPlain).toBe(true);
      for (const { path } of MANY.slice(0, 40)) {
        const wanted = MANY.findLast((each) => each.path === path) as LayerEntry;
        expect(await textAt(paths, path)).toBe(Buffer.from(await contentBytes(wanted.content, 100)).toString());
      }
      expect(await textAt(paths, "holey")).toBe(HOLEY.toString("latin1"));
      expect(await textAt(paths, "hard")).toBe(HOLEY.toString("latin1"));
      const odd = (await paths.find("\xffodd\nname"))?.inode;
      expect(odd?.xattrs).toEqual([{ name: "user.x", value: Buffer.from([0, 255]) }]);
      expect((await paths.find("link"))?.inode).toMatchObject({ type: "symlink", target: "\xfe" });
      expect((await paths.find("disk"))?.inode).toMatchObject({ type: "block", major: 8, minor: 1, mode: 0o600 });
      expect(await paths.find("many")).toEqual({ path: "many", isDirectory: true, hides: false, isOpaque: false });
      expect((await paths.find("own"))?.inode).toMatchObject({ mode: 0o700, mtimeSeconds: 5 });
      expect(await paths.find("own/gone")).toMatchObject({ hides: true, isDirectory: false });
      expect(await paths.find("opaque")).toMatchObject({ isOpaque: true, isDirectory: true });
      for (const path of ["a", "many/", "many/500", "zzz", "\xff\xff"]) expect(await paths.find(path)).toBeUndefined();
    }
  });

  it("are made again from a file that is cut, and never come from one that was altered", async () => {
    const cache = await LayerCache.open(directory);
    const { layer, store } = await adopt(cache, ENTRIES.slice(-8));
    (await cache.openPaths(store, layer))[Symbol.dispose]();
    const path = join(directory, digestHex(layer.diffId), "paths");
    const whole = readFileSync(path);
    const check = async (bytes: Buffer): Promise<void> => {
      writeFileSync(path, bytes);
      using paths = await cache.openPaths(store, layer);
      const found = await paths.find("link").catch((error: unknown) => error);
      if (found instanceof Error) expect(found).toMatchObject({ code: "READ_FAILED" });
      else expect(found).toMatchObject({ inode: { target: "\xfe" } });
    };
    for (let length = 0; length < whole.length; length += 37) await check(whole.subarray(0, length));
    for (let at = 0; at < whole.length; at += 41) {
      const altered = Buffer.from(whole);
      altered[at] = (altered[at] as number) ^ 1;
      await check(altered);
    }
  });
});
