import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentBytes, contentOf, MemorySource, placeContents, readContent } from "../../base/io/index.ts";
import { compressCluster } from "./codec.ts";
import { CLUSTER_BYTES, CompressedMap, planQcow2, Qcow2Error, type Qcow2Compression, readQcow2 } from "./index.ts";

const CLUSTER = Uint8Array.from({ length: CLUSTER_BYTES }, (_, index) => (index * index) % 61);
const DISK = placeContents(5 * CLUSTER_BYTES, [
  { at: CLUSTER_BYTES, content: contentOf(CLUSTER) },
  { at: 3 * CLUSTER_BYTES, content: contentOf(CLUSTER) },
]);

function plainFile(): Uint8Array {
  return Buffer.concat([...planQcow2(DISK).metadata(), CLUSTER, CLUSTER]);
}

async function compressedFile(compression: Qcow2Compression): Promise<Uint8Array> {
  const file = new Uint8Array(10 * CLUSTER_BYTES);
  const map = new CompressedMap(DISK.sizeBytes, compression);
  const packed = (await compressCluster(CLUSTER, compression)) ?? CLUSTER;
  for (const cluster of [1, 3]) file.set(packed, map.placeCompressed(cluster, packed.length));
  for (const { offset, bytes } of map.finish()) file.set(bytes, offset);
  return file;
}

async function diskOf(file: Uint8Array): Promise<Uint8Array> {
  return contentBytes((await readQcow2(new MemorySource(file))).content, 10 * CLUSTER_BYTES);
}

describe("readQcow2", () => {
  it("reads plain and compressed files back", async () => {
    const wanted = Buffer.from(await contentBytes(DISK, 10 * CLUSTER_BYTES));
    expect(wanted.equals(await diskOf(plainFile()))).toBe(true);
    expect(wanted.equals(await diskOf(await compressedFile("zlib")))).toBe(true);
    expect(wanted.equals(await diskOf(await compressedFile("zstd")))).toBe(true);
  });

  it("joins neighbours and leaves holes out", async () => {
    const { content, header } = await readQcow2(new MemorySource(plainFile()));
    expect(content.extents.map(({ at, length }) => [at, length])).toEqual([
      [CLUSTER_BYTES, CLUSTER_BYTES],
      [3 * CLUSTER_BYTES, CLUSTER_BYTES],
    ]);
    expect(header).toMatchObject({ version: 3, clusterBytes: CLUSTER_BYTES, virtualSizeBytes: 5 * CLUSTER_BYTES });
  });

  const broken: [string, string, number, number][] = [
    ["a foreign magic", "NOT_QCOW2", 0, 0],
    ["version 9", "UNSUPPORTED", 7, 9],
    ["a backing file", "UNSUPPORTED", 15, 1],
    ["encryption", "UNSUPPORTED", 35, 1],
    ["clusters of 2^40 bytes", "CORRUPT", 23, 40],
    ["a huge L1 table", "LIMIT", 36, 0xff],
    ["an L1 table outside the file", "CORRUPT", 42, 0xff],
    ["the corrupt mark", "UNSUPPORTED", 79, 2],
    ["unknown features", "UNSUPPORTED", 72, 1],
    ["an L2 table outside the file", "CORRUPT", CLUSTER_BYTES + 3, 0xff],
  ];
  it.each(broken)("refuses %s", async (_what, code, at, value) => {
    const file = plainFile();
    file[at] = value;
    await expect(readQcow2(new MemorySource(file))).rejects.toMatchObject({ code });
  });

  it("never throws anything but its own errors, whatever a byte is changed to", async () => {
    const sound = await compressedFile("zstd");
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(120), fc.nat(sound.length - 1)), fc.nat(255), async (at, value) => {
        const file = Uint8Array.from(sound);
        file[at] = value;
        try {
          const { content } = await readQcow2(new MemorySource(file));
          for (const { at: start, length } of content.extents)
            await readContent(content, start, new Uint8Array(Math.min(length, 4096)));
        } catch (error) {
          expect(error).toBeInstanceOf(Qcow2Error);
        }
      }),
      { seed: 7, numRuns: 150 },
    );
  });
});
