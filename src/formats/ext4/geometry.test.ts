import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { setBits, usedBlocks } from "./allocate.ts";
import { backupGroups, chooseGeometry, fixedRanges, hasBackup, layoutGroups } from "./geometry.ts";

const MIB = 2 ** 20;
const TIB = 2 ** 40;

describe("geometry", () => {
  it("agrees with mke2fs 1.47 on a file system of 1,500 MiB", () => {
    const geometry = chooseGeometry({ sizeBytes: 1500 * MIB, usedInodes: 11, maxSizeBytes: 1500 * MIB * 1024 });
    expect(geometry).toMatchObject({
      blockCount: 384_000,
      groupCount: 12,
      inodesPerGroup: 8000,
      inodeTableBlocks: 500,
      descriptorBlocks: 1,
      reservedDescriptorBlocks: 187,
      journalBlocks: 8192,
    });
  });

  it("gives up a last group that is too small", () => {
    expect(chooseGeometry({ sizeBytes: 129 * MIB, usedInodes: 11 }).blockCount).toBe(32_768);
    expect(chooseGeometry({ sizeBytes: 140 * MIB, usedInodes: 11 }).blockCount).toBe(35_840);
  });

  it("reserves descriptors for at most 2 TiB", () => {
    const of = (sizeBytes: number): number => {
      const { descriptorBlocks, reservedDescriptorBlocks } = chooseGeometry({ sizeBytes, usedInodes: 11 });
      return descriptorBlocks + reservedDescriptorBlocks;
    };
    expect(of(10 * 1024 * MIB)).toBe(256);
    expect(of(2 * TIB)).toBe(256);
    expect(of(3 * TIB)).toBe(384);
  });

  it("knows the groups with a copy of the superblock", () => {
    expect(backupGroups(100)).toEqual([1, 3, 5, 7, 9, 25, 27, 49, 81]);
    expect(Array.from({ length: 100 }, (_each, group) => group).filter(hasBackup)).toEqual(backupGroups(100));
  });

  it("places fixed metadata once and within bounds", () => {
    const arbitrary = fc.record({
      sizeBytes: fc.integer({ min: 4 * MIB, max: 40_000 * MIB }),
      usedInodes: fc.integer({ min: 11, max: 300_000 }),
      inodeRatio: fc.constantFrom(1024, 4096, 16_384, 2 ** 20),
    });
    fc.assert(
      fc.property(arbitrary, (options) => {
        const geometry = chooseGeometry(options);
        if (geometry.fixedBlocks > geometry.blockCount) return;
        const ranges = fixedRanges(geometry, layoutGroups(geometry));
        expect(ranges.reduce((sum, range) => sum + range.end - range.start, 0)).toBe(geometry.fixedBlocks);
        expect(ranges.at(-1)?.end).toBeLessThanOrEqual(geometry.blockCount);
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  it("refuses more than 16 TiB", () => {
    expect(() => chooseGeometry({ sizeBytes: 17 * TIB, usedInodes: 11 })).toThrow("want at most");
  });
});

describe("bitmaps", () => {
  it("sets exactly the bits asked for", () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat({ max: 200 }), (from, to) => {
        const bitmap = new Uint8Array(25);
        setBits(bitmap, from, to);
        const bits = Array.from({ length: 200 }, (_each, bit) => ((bitmap[Math.floor(bit / 8)] ?? 0) >> (bit % 8)) & 1);
        expect(bits).toEqual(bits.map((_each, bit) => (bit >= from && bit < to ? 1 : 0)));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("counts what is below the cursor and what is fixed", () => {
    const fixed = [
      { start: 0, end: 10 },
      { start: 50, end: 60 },
    ];
    expect(usedBlocks(fixed, 20, 0, 100)).toBe(30);
    expect(usedBlocks(fixed, 55, 0, 100)).toBe(60);
    expect(usedBlocks(fixed, 20, 30, 55)).toBe(5);
  });
});
