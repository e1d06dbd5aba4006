/** ext4 at sizes and counts that take too long for each run. Growth while mounted is proven by the boots. */
import fc from "fast-check";
import { describe, expect } from "vitest";
import { minimalExt4Size } from "../../src/formats/ext4/index.ts";
import { directory, file } from "../../src/tree/index.ts";
import { differences } from "../oracles/ext4-compare.ts";
import { expectClean, GIB, make, MIB, MOUNT, OPTIONS } from "../oracles/ext4-image.ts";
import { patternContent, randomTree } from "../oracles/ext4-trees.ts";
import { mountImage } from "../support/disk.ts";
import { oracle, tempDir } from "../support/tools.ts";

const TIB = 2 ** 40;

describe("ext4, long", () => {
  oracle(
    ["e2fsck"],
    "is consistent at 60 sizes, five inode ratios and up to 3 TiB",
    async () => {
      using folder = tempDir();
      const root = directory({}, [["data", file(patternContent(100_000))]]);
      const sizes = Array.from({ length: 60 }, (_each, index) => Math.floor(MIB * (1 + index * index * 1.37)));
      const ratios = [1024, 2048, 4096, 65_536, 2 ** 22].flatMap((inodeRatio) =>
        [20 * MIB, 128 * MIB, 300 * MIB, 2300 * MIB, 5 * GIB].map((sizeBytes) => ({ sizeBytes, inodeRatio })),
      );
      for (const options of [
        ...sizes.map((sizeBytes) => ({ sizeBytes })),
        ...ratios,
        { sizeBytes: 200 * GIB },
        { sizeBytes: 2 * TIB },
        { sizeBytes: 3 * TIB },
      ]) {
        const image = folder.join("image");
        await make(image, root, options);
        await expectClean(image);
      }
    },
    { proves: "the geometry is right at every size" },
  );

  oracle(
    MOUNT,
    "holds 65,100 subdirectories",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const entries = Array.from({ length: 65_100 }, (_each, index) => [`directory-${index}`, directory()] as const);
      const root = directory({}, [["many", directory({}, entries)]]);
      await make(image, root, { sizeBytes: GIB });
      await expectClean(image);
      await using mount = await mountImage(image, folder);
      expect(await differences(root, mount.path)).toEqual([]);
    },
    { proves: "dir_nlink: link counts of directories past 65,000" },
  );

  oracle(
    MOUNT,
    "holds many random trees",
    async () => {
      // Not fast-check's own limit: that one leaves the last run, and its mount, behind.
      const deadline = performance.now() + 240_000;
      await fc.assert(
        fc.asyncProperty(randomTree, fc.boolean(), async (root, tight) => {
          if (performance.now() > deadline) return;
          using folder = tempDir();
          const image = folder.join("image");
          await make(image, root, { sizeBytes: tight ? minimalExt4Size(root, OPTIONS) : 200 * MIB });
          await expectClean(image);
          await using mount = await mountImage(image, folder);
          expect(await differences(root, mount.path)).toEqual([]);
        }),
        { seed: 1906, numRuns: 400 },
      );
    },
    { proves: "arbitrary trees survive" },
  );
});
