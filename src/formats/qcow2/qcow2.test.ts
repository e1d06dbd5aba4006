import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { inflateRawSync, zstdDecompressSync } from "node:zlib";
import { type Content, MemorySource } from "../../base/io/index.ts";
import { compressCluster } from "./codec.ts";
import { CLUSTER_BYTES, CompressedMap, planQcow2 } from "./index.ts";
import { refcountClustersFor } from "./tables.ts";

const MIB = 1024 * 1024;
const source = new MemorySource(new Uint8Array(0));

function sparse(sizeBytes: number, ...extents: [at: number, length: number][]): Content {
  return { sizeBytes, extents: extents.map(([at, length]) => ({ at, length, source, sourceOffset: 0 })) };
}

describe("planQcow2", () => {
  it("puts header, L1, reference counts and L2 before the data", () => {
    // Two clusters in the first 512 MiB, one in the third.
    const plan = planQcow2(sparse(2048 * MIB, [100, 1], [CLUSTER_BYTES * 9, 10], [1025 * MIB, CLUSTER_BYTES]));
    const tables = [...plan.metadata()];
    expect(tables.map((piece) => piece.length)).toEqual(Array.from({ length: 6 }, () => CLUSTER_BYTES));
    expect(plan).toMatchObject({ dataOffset: 6 * CLUSTER_BYTES, dataClusters: 3, fileSizeBytes: 9 * CLUSTER_BYTES });
    const [header, l1, , counts, l2, l2Third] = tables.map((piece) => Buffer.from(piece));
    expect(header?.subarray(0, 8).toString("hex")).toBe("514649fb00000003");
    expect(header?.readBigUInt64BE(24)).toBe(2n * 1024n ** 3n);
    expect([0, 1, 2, 3].map((index) => l1?.readBigUInt64BE(index * 8).toString(16))).toEqual([
      "8000000000040000",
      "0",
      "8000000000050000",
      "0",
    ]);
    expect([l2?.readBigUInt64BE(0), l2?.readBigUInt64BE(72)].map((entry) => entry?.toString(16))).toEqual([
      "8000000000060000",
      "8000000000070000",
    ]);
    expect(l2Third?.readBigUInt64BE(16 * 8).toString(16)).toBe("8000000000080000");
    expect([counts?.readUInt16BE(16), counts?.readUInt16BE(18)]).toEqual([1, 0]);
  });

  it("rounds a disk up to whole sectors and takes an empty one", () => {
    expect(planQcow2(sparse(1000, [999, 1]))).toMatchObject({ virtualSizeBytes: 1024, dataClusters: 1 });
    expect(planQcow2(sparse(0))).toMatchObject({ virtualSizeBytes: 0, dataClusters: 0 });
  });

  it("counts the clusters that hold the counts", () => {
    expect(refcountClustersFor(10)).toEqual({ blocks: 1, tableClusters: 1 });
    expect(refcountClustersFor(32766)).toEqual({ blocks: 1, tableClusters: 1 });
    expect(refcountClustersFor(32767)).toEqual({ blocks: 2, tableClusters: 1 });
  });
});

describe("CompressedMap", () => {
  it("packs pieces byte after byte, across clusters while it can", () => {
    const map = new CompressedMap(MIB, "zstd");
    expect(map.placeCompressed(0, 60_000)).toBe(65_536);
    expect(map.placeCompressed(1, 10_000)).toBe(125_536);
    expect(map.placePlain(2)).toBe(3 * 65_536);
    // Fits in the room left before the plain cluster; the next does not and starts behind it.
    expect(map.placeCompressed(3, 60_000)).toBe(135_536);
    expect(map.placeCompressed(4, 10_000)).toBe(4 * 65_536);
    const pieces = [...map.finish()];
    const l2 = Buffer.from(pieces[0]?.bytes ?? []);
    // 60,000 bytes from 65,536 reach 117 sectors beyond the first; offset in the low 54 bits.
    expect(l2.readBigUInt64BE(0)).toBe((1n << 62n) | (117n << 54n) | 65_536n);
    expect(l2.readBigUInt64BE(16)).toBe((1n << 63n) | 196_608n);
    const counts = Buffer.from(pieces.find(({ offset }) => offset === pieces.at(-2)?.offset)?.bytes ?? []);
    expect([0, 1, 2, 3, 4].map((cluster) => counts.readUInt16BE(cluster * 2))).toEqual([1, 2, 2, 1, 1]);
    expect(pieces.at(-1)?.offset).toBe(0);
  });
});

describe("compressCluster", () => {
  const cluster = Uint8Array.from({ length: CLUSTER_BYTES }, (_, index) => (index * index) % 61);

  it("gives raw deflate that fits a window of 4 KiB, and zstd", async () => {
    const deflated = await compressCluster(cluster, "zlib");
    expect(inflateRawSync(deflated ?? "", { windowBits: 12 }).equals(cluster)).toBe(true);
    const zstd = await compressCluster(cluster, "zstd");
    expect(zstdDecompressSync(zstd ?? "").equals(cluster)).toBe(true);
  });

  it("gives up on what does not shrink", async () => {
    const noise = Buffer.concat(
      Array.from({ length: CLUSTER_BYTES / 32 }, (_, index) => createHash("sha256").update(`${index}`).digest()),
    );
    expect(await compressCluster(noise, "zstd")).toBeUndefined();
    expect(await compressCluster(noise, "zlib")).toBeUndefined();
  });
});
