/** ext4 at its limits: names, links, holes, hash collisions, files across groups. Judged by e2fsck and the kernel. */
import { execFileSync } from "node:child_process";
import { describe, expect } from "vitest";
import { contentFrom, contentOf, type Source } from "../../src/base/io/index.ts";
import { halfMd4, hashSeed } from "../../src/formats/ext4/hash.ts";
import { minimalExt4Size, planExt4 } from "../../src/formats/ext4/index.ts";
import { directory, file } from "../../src/tree/index.ts";
import { mountImage } from "../support/disk.ts";
import { oracle, run, tempDir, type TempFolder } from "../support/tools.ts";
import { writeContent } from "../support/write-content.ts";
import { differences } from "./ext4-compare.ts";
import { expectClean, GIB, make, MIB, MOUNT, OPTIONS } from "./ext4-image.ts";
import { patternContent, sparseContent } from "./ext4-trees.ts";

/** 4 KiB blocks that begin with their number. */
const NUMBERED: Source = {
  sizeBytes: 2 ** 40,
  read(offset, target) {
    target.fill(0x5a);
    const view = new DataView(target.buffer, target.byteOffset, target.length);
    for (let at = (4096 - (offset % 4096)) % 4096; at + 4 <= target.length; at += 4096)
      view.setUint32(at, (offset + at) / 4096);
    return Promise.resolve();
  },
};

/** The start of NUMBERED in a file. */
async function numberedFile(folder: TempFolder): Promise<string> {
  const path = folder.join("numbered");
  await writeContent(path, contentFrom(NUMBERED, 0, 300 * MIB + 5));
  return path;
}

/** Names of 228 bytes (13 fill a block) whose hash another one of them has, too. */
function collidingNames(tries: number): string[] {
  const seed = hashSeed(OPTIONS.hashSeed);
  const seen = new Map<number, string>();
  const found: string[] = [];
  for (let index = 0; index < tries; index++) {
    const name = String(index).padEnd(228, "n");
    const { major } = halfMd4(name, seed);
    const other = seen.get(major);
    if (other !== undefined) found.push(other, name);
    else seen.set(major, name);
  }
  return found;
}

describe("ext4 at its limits", () => {
  oracle(
    MOUNT,
    "finds each of 100,000 names",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const names = Array.from({ length: 100_000 }, (_each, index) => `\xc3\xa9${index}-${"n".repeat(index % 60)}`);
      const empty = contentOf(new Uint8Array(0));
      const root = directory({}, [
        [
          "large",
          directory(
            {},
            names.map((name) => [name, file(empty)]),
          ),
        ],
      ]);
      await make(image, root, { sizeBytes: 700 * MIB });
      await expectClean(image);
      await using mount = await mountImage(image, folder);
      expect(await differences(root, mount.path)).toEqual([]);
    },
    { proves: "our directory hash is the kernel's, in trees of two levels" },
  );

  oracle(
    MOUNT,
    "copies a file from its 65,001st name on",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const shared = file(patternContent(9000));
      const exact = file(patternContent(500));
      const names = (count: number, inode: typeof shared) =>
        Array.from({ length: count }, (_each, index) => [`name-${index}`, inode] as const);
      const root = directory({}, [
        ["seventy", directory({}, names(70_000, shared))],
        ["full", directory({}, names(65_000, exact))],
        ["one-more", shared],
      ]);
      await make(image, root);
      await expectClean(image);
      await using mount = await mountImage(image, folder);
      const links = async (where: string): Promise<string> =>
        (
          await run("sh", [
            "-c",
            `find "$0/${where}" -type f -printf '%i %n\\n' | sort | uniq -c | awk '{print $1, $3}' | sort -n`,
            mount.path,
          ])
        ).stdout;
      expect(await links("full")).toBe("65000 65000\n");
      // "one-more" comes before "seventy" and has one of the first 65,000.
      expect(await links("seventy")).toBe("5001 5001\n64999 65000\n");
      execFileSync("cmp", [`${mount.path}/one-more`, `${mount.path}/seventy/name-9999`]);
    },
    { proves: "the limit of 65,000 links is kept" },
  );

  oracle(
    MOUNT,
    "keeps the holes of a file of 5 GiB",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const root = directory({}, [
        [
          "disk",
          file(
            sparseContent(5 * GIB, [
              [0, 100],
              [3 * GIB - 50, 100],
              [5 * GIB - 7, 7],
            ]),
          ),
        ],
      ]);
      await make(image, root);
      expect(planExt4(root, OPTIONS).fileBytes).toBe(4 * 4096);
      await expectClean(image);
      await using mount = await mountImage(image, folder);
      expect((await run("stat", ["-c", "%s %b", `${mount.path}/disk`])).stdout.trim()).toBe(`${5 * GIB} 32`);
      const part = (skip: number, count: number): Buffer =>
        execFileSync("dd", [
          `if=${mount.path}/disk`,
          "iflag=skip_bytes,count_bytes",
          `skip=${skip}`,
          `count=${count}`,
          "status=none",
        ]);
      const wanted = sparseContent(5 * GIB, [[3 * GIB - 50, 100]]).extents[0];
      const bytes = new Uint8Array(300);
      await wanted?.source.read(wanted.sourceOffset, bytes.subarray(100, 200));
      expect(part(3 * GIB - 150, 300)).toEqual(Buffer.from(bytes));
    },
    { proves: "sparse files stay sparse and read right past 4 GiB" },
  );

  oracle(
    MOUNT,
    "finds names with equal hashes on both sides of a block's end",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const pairs = collidingNames(250_000);
      expect(pairs.length).toBeGreaterThan(13);
      const root = directory({}, [
        [
          "colliding",
          directory(
            {},
            pairs.map((name, index) => [name, file(patternContent(index + 1))]),
          ),
        ],
      ]);
      await make(image, root);
      await expectClean(image);
      // Bit 0 of an index hash says that the block before ends with the same hash.
      const { stdout } = await run("debugfs", ["-R", "htree_dump /colliding", image]);
      expect(stdout).toMatch(/Entry #\d+: Hash 0x[0-9a-f]{7}[13579bdf]/);
      await using mount = await mountImage(image, folder);
      expect(await differences(root, mount.path)).toEqual([]);
    },
    { proves: "hash collisions are marked as the kernel expects" },
  );

  oracle(
    MOUNT,
    "lays a large file around the copies of the superblock",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const root = directory({}, [["large", file(contentFrom(NUMBERED, 0, 300 * MIB + 5))]]);
      await make(image, root, { sizeBytes: minimalExt4Size(root, OPTIONS) });
      await expectClean(image);
      await using mount = await mountImage(image, folder);
      execFileSync("sh", [
        "-c",
        'head -c 314572805 "$0" | cmp - "$1"',
        await numberedFile(folder),
        `${mount.path}/large`,
      ]);
    },
    { proves: "data goes on behind fixed metadata" },
  );
});
