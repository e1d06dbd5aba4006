import { createHash, randomBytes } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestHex, digestOf } from "../../base/digest.ts";
import { contentBytes } from "../../base/io/index.ts";
import { verifyStream } from "../../base/stream/index.ts";
import {
  DEFAULT_TAR_LIMITS,
  encodeTarHeader,
  TAR_END,
  tarPadding,
  type TarWriteEntry,
} from "../../formats/tar/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import type { ImageLayer } from "../image.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { pushBytes } from "../store.ts";
import { LayerCache, type OpenLayerOptions } from "./cache.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { DEFAULT_LAYER_LIMITS } from "./limits.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-cache-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const METADATA = { mode: 0o644, uid: 1, gid: 2, mtimeSeconds: 3 };

function tarOf(
  entries: readonly (readonly [entry: Partial<TarWriteEntry> & { path: string }, data?: Uint8Array])[],
): Buffer {
  const parts = entries.flatMap(([entry, data = Buffer.alloc(0)]) => [
    encodeTarHeader({ ...METADATA, type: "file", ...entry, sizeBytes: data.length }),
    data,
    Buffer.alloc(tarPadding(data.length)),
  ]);
  return Buffer.concat([...parts, TAR_END]);
}

// The second file holds a long run of zeros, which becomes a hole.
const HOLEY = Buffer.concat([Buffer.alloc(5000, 1), Buffer.alloc(300_000), Buffer.alloc(5000, 2)]);
const TAR = tarOf([
  [{ path: "./", type: "directory", mode: 0o755 }],
  [{ path: "./usr/bin/app", xattrs: [{ name: "user.x", value: Buffer.from([0, 10, 255]) }] }, Buffer.from("app")],
  [{ path: "holey" }, HOLEY],
  [{ path: "link", type: "symlink", linkTarget: "../x" }],
  [{ path: "hard", type: "hardlink", linkTarget: "./usr//bin/app" }],
  [{ path: "null", type: "character", major: 1, minor: 3 }],
  [{ path: "pipe", type: "fifo" }],
]);

const OSTREE: Fingerprint = { name: "ostree", prefix: ({ mode, uid }) => Buffer.from(`${mode} ${uid}|`) };

class CountingStore extends MemoryStore {
  fetches = 0;

  override async *fetch(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    this.fetches++;
    yield* super.fetch(descriptor);
  }
}

interface Fixture {
  readonly store: CountingStore;
  readonly layer: ImageLayer;
}

async function fixture(blob: Buffer, tar: Buffer = TAR, mediaType: string = MEDIA_TYPE.layerGzip): Promise<Fixture> {
  const store = new CountingStore();
  const descriptor = describeBytes(mediaType, blob);
  await pushBytes(store, descriptor, blob);
  return { store, layer: { descriptor, diffId: digestOf(tar) } };
}

async function open({ store, layer }: Fixture, options: OpenLayerOptions = {}): Promise<LayerEntry[]> {
  const cache = await LayerCache.open(directory);
  using found = await cache.open(store, layer, options);
  // While it is open: contents are read from the cache file.
  for (const entry of found.entries) contents.set(entry.path, Buffer.from(await contentBytes(entry.content, 1 << 24)));
  return [...found.entries];
}
const contents = new Map<string, Buffer>();

function dataPath(layer: ImageLayer): string {
  return join(directory, digestHex(layer.diffId), "data");
}

describe("LayerCache", () => {
  it.each([
    ["gzip", gzipSync(TAR), MEDIA_TYPE.layerGzip],
    ["zstd", zstdCompressSync(TAR), MEDIA_TYPE.layerZstd],
    ["plain", TAR, MEDIA_TYPE.layer],
    ["gzip labelled as plain", gzipSync(TAR), MEDIA_TYPE.layer],
    [
      "several gzip members",
      Buffer.concat([gzipSync(TAR.subarray(0, 1000)), gzipSync(TAR.subarray(1000))]),
      MEDIA_TYPE.layerGzip,
    ],
  ])("reads %s layers", async (_, blob, mediaType) => {
    const image = await fixture(blob, TAR, mediaType);
    const entries = await open(image, { fingerprint: OSTREE });
    expect(entries.map(({ type, path, target }) => [type, path, target])).toEqual([
      ["directory", "", ""],
      ["file", "usr/bin/app", ""],
      ["file", "holey", ""],
      ["symlink", "link", "../x"],
      ["hardlink", "hard", "usr/bin/app"],
      ["character", "null", ""],
      ["fifo", "pipe", ""],
    ]);
    expect(contents.get("usr/bin/app")?.toString()).toBe("app");
    expect(contents.get("holey")?.equals(HOLEY)).toBe(true);
    expect(entries[1]?.xattrs).toEqual([{ name: "user.x", value: Buffer.from([0, 10, 255]) }]);
    expect(entries[1]?.ostreeChecksum).toBe(createHash("sha256").update("420 1|app").digest("hex"));
    expect(entries[2]?.ostreeChecksum).toBe(createHash("sha256").update("420 1|").update(HOLEY).digest("hex"));
    expect(entries[5]).toMatchObject({ major: 1, minor: 3 });
    expect(entries[2]?.content.extents.map(({ at, length }) => [at, length])).toEqual([
      [0, 8192],
      [303_104, 6896],
    ]);
  });

  it("punches holes", async () => {
    const tar = tarOf([
      [{ path: "zeros" }, Buffer.alloc(8 * 1024 * 1024)],
      [{ path: "data" }, randomBytes(10_000)],
    ]);
    const image = await fixture(gzipSync(tar), tar);
    await open(image);
    const { size, blocks } = statSync(dataPath(image.layer));
    expect(size).toBe(tar.length);
    expect(blocks * 512).toBeLessThan(200_000);
    expect(readFileSync(dataPath(image.layer)).equals(tar)).toBe(true);
  });

  it("reads the blob once; makes an index of another kind from the cache", async () => {
    const image = await fixture(gzipSync(TAR));
    const first = await open(image);
    expect(await open(image)).toMatchObject(first.map(({ path }) => ({ path })));
    const fingerprinted = await open(image, { fingerprint: OSTREE });
    expect(image.store.fetches).toBe(1);
    expect(fingerprinted[1]?.ostreeChecksum).toBeDefined();
    expect(first[1]?.ostreeChecksum).toBeUndefined();
    const newer = { ...OSTREE, version: 2, prefix: () => Buffer.from("v2|") };
    expect((await open(image, { fingerprint: newer }))[1]?.ostreeChecksum).toBe(
      createHash("sha256").update("v2|app").digest("hex"),
    );
    expect(image.store.fetches).toBe(1);
  });

  it("tells how many entries come into memory, of a layer just read and of one that the cache has", async () => {
    const names = Array.from({ length: 5500 }, (_, index) => `${index} ${"long".repeat(60)}`);
    const tar = tarOf(names.map((path) => [{ path, type: "directory" }]));
    const image = await fixture(gzipSync(tar), tar);
    for (let attempt = 0; attempt < 2; attempt++) {
      const counts: number[] = [];
      const entries = await open(image, { onEntries: (count) => counts.push(count) });
      expect(entries.map(({ path }) => path)).toEqual(names);
      expect(counts).toEqual([1000, 1000, 1000, 1000, 1000, 500]);
    }
  });

  it("lets several openers race", async () => {
    const image = await fixture(gzipSync(TAR));
    const caches = await Promise.all([1, 2, 3].map(() => LayerCache.open(directory)));
    const layers = await Promise.all(caches.map((cache) => cache.open(image.store, image.layer)));
    expect(layers.map(({ entries }) => entries.length)).toEqual([7, 7, 7]);
    for (const layer of layers) layer[Symbol.dispose]();
    expect(readdirSync(directory)).toEqual([digestHex(image.layer.diffId)]);
  });

  it("prunes all but what it is told to keep", async () => {
    const image = await fixture(gzipSync(TAR));
    await open(image);
    const cache = await LayerCache.open(directory);
    expect(await cache.prune(new Set([image.layer.diffId]))).toEqual([]);
    expect(await cache.prune(new Set())).toEqual([image.layer.diffId]);
    expect(readdirSync(directory)).toEqual([]);
    expect(await cache.has(image.layer.diffId)).toBe(false);
  });
});

describe("a cache that was damaged", () => {
  async function cached(): Promise<Fixture> {
    const image = await fixture(gzipSync(TAR));
    await open(image);
    return image;
  }

  it("reads the layer again when the data was cut", async () => {
    const image = await cached();
    truncateSync(dataPath(image.layer), 1000);
    expect((await open(image)).length).toBe(7);
    expect(image.store.fetches).toBe(2);
  });

  it("after a reboot, uses data that is whole and replaces data that is not", async () => {
    const image = await cached();
    const marker = join(directory, digestHex(image.layer.diffId), "boot");
    writeFileSync(marker, "another boot\n");
    await open(image);
    expect(image.store.fetches).toBe(1);
    expect(readFileSync(marker, "latin1")).not.toBe("another boot\n");
    writeFileSync(marker, "");
    const torn = readFileSync(dataPath(image.layer)).fill(0, 600, 700);
    writeFileSync(dataPath(image.layer), torn);
    expect((await open(image)).length).toBe(7);
    expect(image.store.fetches).toBe(2);
  });

  it("makes an index again that was cut or changed", async () => {
    const image = await cached();
    const index = join(directory, digestHex(image.layer.diffId), "index");
    const good = readFileSync(index);
    const places = Array.from({ length: 20 }, (_, step) => Math.floor(((good.length - 1) * step) / 19));
    const damaged = [
      ...places.map((at) => good.subarray(0, at)),
      ...places.map((at) => Buffer.from(good.map((byte, place) => (place === at ? byte ^ 1 : byte)))),
    ];
    for (const bytes of damaged) {
      writeFileSync(index, bytes);
      expect((await open(image)).length).toBe(7);
      expect(readFileSync(index).equals(good)).toBe(true);
    }
    expect(image.store.fetches).toBe(1);
  });

  it("sweeps what killed processes left", async () => {
    const left = join(directory, `.${"a".repeat(64)}.4194305.001122334455.partial`);
    mkdirSync(left);
    writeFileSync(join(left, "data"), "x");
    await open(await fixture(gzipSync(TAR)));
    expect(readdirSync(directory).some((name) => name.endsWith(".partial"))).toBe(false);
  });
});

describe("layers that are refused", () => {
  const good = gzipSync(TAR);
  const escaping = tarOf([[{ path: "a/../../etc/passwd" }, Buffer.from("x")]]);
  const badLink = tarOf([[{ path: "a", type: "hardlink", linkTarget: "../b" }]]);
  const small = { ...DEFAULT_LAYER_LIMITS, expansion: { maxRatio: 2, freeBytes: 1000 } };
  const few = { ...DEFAULT_LAYER_LIMITS, tar: { ...DEFAULT_TAR_LIMITS, maxEntries: 3 } };

  interface Refusal {
    readonly code: string;
    readonly blob: Buffer;
    readonly tar?: Buffer;
    /** What the store holds under the blob's descriptor, if not the blob. */
    readonly stored?: Buffer;
    readonly options?: OpenLayerOptions;
  }

  const cases: Readonly<Record<string, Refusal>> = {
    "a blob that is shorter": { code: "SIZE_MISMATCH", blob: good, stored: good.subarray(0, 300) },
    "a blob that is longer": { code: "SIZE_MISMATCH", blob: good, stored: Buffer.concat([good, Buffer.from("x")]) },
    "a blob with other bytes": {
      code: "DIGEST_MISMATCH",
      blob: good,
      stored: Buffer.from(good.map((byte, at) => (at === 100 ? byte ^ 1 : byte))),
    },
    "a blob with another header": {
      code: "DIGEST_MISMATCH",
      blob: good,
      stored: Buffer.from(good.map((byte, at) => (at === 0 ? 0 : byte))),
    },
    "a gzip stream that was cut before it was pushed": { code: "TRUNCATED", blob: good.subarray(0, 300) },
    "a gzip stream that was broken before it was pushed": {
      code: "CORRUPT",
      blob: Buffer.from(good.map((byte, at) => (at === 50 ? byte ^ 0xff : byte))),
    },
    "a tar that was cut": { code: "TRUNCATED", blob: gzipSync(TAR.subarray(0, 1700)), tar: TAR.subarray(0, 1700) },
    "a tar that is none": { code: "BAD_TAR", blob: gzipSync(Buffer.alloc(2000, 65)), tar: Buffer.alloc(2000, 65) },
    "another tar than the config says": { code: "DIFF_ID_MISMATCH", blob: good, tar: Buffer.from("other") },
    "a path that escapes": { code: "PATH_ESCAPE", blob: gzipSync(escaping), tar: escaping },
    "a hard link that escapes": { code: "PATH_ESCAPE", blob: gzipSync(badLink), tar: badLink },
    "an unknown compression": { code: "UNSUPPORTED", blob: Buffer.from("fd377a585a0000", "hex") },
    "a bomb": { code: "LIMIT", blob: good, options: { limits: small } },
    "too many entries": { code: "LIMIT", blob: good, options: { limits: few } },
  };

  it.each(Object.entries(cases))("refuses %s, leaves nothing behind", async (_, refusal) => {
    const image = await fixture(refusal.blob, refusal.tar);
    const { stored } = refusal;
    if (stored !== undefined) {
      image.store.fetch = async function* fetch(descriptor): AsyncGenerator<Uint8Array> {
        yield* verifyStream(pieces(stored), descriptor, descriptor.digest);
      };
    }
    await expect(open(image, refusal.options)).rejects.toMatchObject({
      name: "LayerError",
      code: refusal.code,
      message: expect.stringContaining(image.layer.descriptor.digest) as string,
      data: { layer: image.layer.descriptor.digest },
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("holds cached layers against the caps of the present run", async () => {
    const image = await fixture(good);
    await open(image);
    await expect(open(image, { limits: few })).rejects.toMatchObject({
      code: "LIMIT",
      hint: expect.stringContaining("--max-entries") as string,
    });
    await expect(open(image, { limits: small })).rejects.toMatchObject({ code: "LIMIT" });
  });

  it("says which layer is missing", async () => {
    const image = await fixture(good);
    await expect(open({ ...image, store: new CountingStore() })).rejects.toMatchObject({ code: "MISSING" });
  });

  it("stops when it is told to", async () => {
    const image = await fixture(good);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(open(image, { signal })).rejects.toThrow("enough");
    expect(readdirSync(directory)).toEqual([]);
  });
});

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 64) yield bytes.subarray(at, at + 64);
}
