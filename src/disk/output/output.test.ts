import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Content, contentBytes, contentOf, placeContents, type Source } from "../../base/io/index.ts";
import { encodeAll, type OutputRequest } from "./encode.ts";
import { type Chunk, CHUNK_BYTES, gather } from "./gather.ts";

const MIB = 1024 * 1024;

function data(length: number, seed: number): Content {
  return contentOf(Uint8Array.from({ length }, (_, index) => 1 + ((index * seed) % 255)));
}

const DISK = placeContents(20 * MIB + 700, [
  { at: 3, content: data(100, 3) },
  { at: 70_000, content: data(5 * MIB, 7) },
  { at: 6 * MIB, content: data(200_000, 11) },
  { at: 20 * MIB, content: data(700, 13) },
]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slipway-output-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("gather", () => {
  it("hands over every byte of data once, in order, in full chunks", async () => {
    const seen = new Uint8Array(21 * MIB);
    const sizes: number[] = [];
    let last = -1;
    const feed = async (chunk: Chunk): Promise<void> => {
      sizes.push(chunk.bytes.length);
      for (const { at, start, length } of chunk.segments) {
        expect(at).toBeGreaterThan(last);
        last = at;
        seen.set(chunk.bytes.subarray(start, start + length), at);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    };
    const progress: number[] = [];
    await gather(DISK, feed, { grainBytes: 65536, onProgress: (done) => progress.push(done) });
    expect(Buffer.from(seen.subarray(0, DISK.sizeBytes)).equals(await contentBytes(DISK, 32 * MIB))).toBe(true);
    expect(sizes[0]).toBe(CHUNK_BYTES);
    expect(progress.at(-1)).toBe(sizes.reduce((sum, size) => sum + size, 0));
  });
});

describe("encodeAll", () => {
  const requests = (): OutputRequest[] => [
    { format: "raw", path: join(folder, "a.raw") },
    { format: "qcow2", path: join(folder, "a.qcow2") },
    { format: "qcow2", path: join(folder, "z.qcow2"), compress: "zstd" },
    { format: "qcow2", path: join(folder, "d.qcow2"), compress: "zlib" },
  ];

  it("writes all files in one pass, with their digests, the same bytes each time", async () => {
    const first = await encodeAll(DISK, requests(), { digest: true });
    for (const file of first) {
      const bytes = readFileSync(file.path);
      expect(file.sizeBytes).toBe(bytes.length);
      expect(file.digest).toBe(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
    }
    expect(readFileSync(join(folder, "a.raw")).equals(await contentBytes(DISK, 32 * MIB))).toBe(true);
    expect(first[0]?.allocatedBytes).toBeLessThan(7 * MIB);
    expect(await encodeAll(DISK, requests(), { digest: true })).toMatchObject(first.map(({ digest }) => ({ digest })));
  });

  it("takes an empty disk and one without data", async () => {
    for (const sizeBytes of [0, 5 * MIB]) {
      const files = await encodeAll({ sizeBytes, extents: [] }, requests());
      expect(files[0]?.sizeBytes).toBe(sizeBytes);
    }
  });

  it("leaves nothing when a source fails, and what was there before", async () => {
    writeFileSync(join(folder, "a.raw"), "old");
    const broken: Source = {
      sizeBytes: 8 * MIB,
      read: (offset, target) => {
        if (offset + target.length > 5 * MIB) return Promise.reject(new Error("broken"));
        target.fill(1);
        return Promise.resolve();
      },
    };
    const disk: Content = {
      sizeBytes: 8 * MIB,
      extents: Array.from({ length: 8 }, (_, index) => ({
        at: index * MIB,
        length: MIB,
        source: broken,
        sourceOffset: index * MIB,
      })),
    };
    await expect(encodeAll(disk, requests())).rejects.toThrow("broken");
    expect(readdirSync(folder)).toEqual(["a.raw"]);
    expect(readFileSync(join(folder, "a.raw"), "utf8")).toBe("old");
  });

  it("stops at an abort and leaves nothing", async () => {
    const abort = new AbortController();
    const stopped = encodeAll(DISK, requests(), {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error("stopped")),
    });
    await expect(stopped).rejects.toThrow("stopped");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says why it cannot write, and sweeps what a killed run has left", async () => {
    await expect(encodeAll(DISK, [{ format: "raw", path: join(folder, "no", "a.raw") }])).rejects.toMatchObject({
      code: "WRITE_FAILED",
    });
    writeFileSync(join(folder, ".a.raw.999999999.0123456789ab.partial"), "rest");
    await encodeAll(DISK, requests().slice(0, 1));
    expect(readdirSync(folder)).toEqual(["a.raw"]);
  });
});
