// FAT32 volumes of ours, judged by fsck.vfat and read back file by file with mtools.
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { byteStringToUtf8, utf8ToByteString } from "../../src/base/bytes/index.ts";
import { type Content, contentBytes, contentOf, EMPTY_CONTENT } from "../../src/base/io/index.ts";
import { layoutVfat, type VfatOptions } from "../../src/formats/vfat/index.ts";
import { directory, type DirectoryInode, file, walk } from "../../src/tree/index.ts";
import { oracle, run, tempDir } from "../support/tools.ts";
import { writeContent } from "../support/write-content.ts";

const MIB = 1024 * 1024;
const MTIME = Date.UTC(2025, 5, 17, 8, 30, 42) / 1000;

async function writeVolume(path: string, root: DirectoryInode, options: Partial<VfatOptions> = {}): Promise<void> {
  await writeContent(
    path,
    layoutVfat(root, { sizeBytes: 64 * MIB, label: "EFI-SYSTEM", serial: 0xcafe0123, ...options }),
  );
}

/** fsck.vfat exits with 0 for some complaints too: its version and the counts are all that it may say. */
async function checkVolume(path: string): Promise<void> {
  const { stdout } = await run("fsck.vfat", ["-n", path]);
  expect(stdout).toMatch(/^fsck\.fat [^\n]*\n[^\n]*: \d+ files, \d+\/\d+ clusters\n$/);
}

/** Copies the volume out with mtools and compares it with the tree it came from. */
async function compareVolume(path: string, root: DirectoryInode, out: string): Promise<void> {
  mkdirSync(out);
  if (root.entries.size > 0) await run("mcopy", ["-s", "-n", "-m", "-i", path, "::*", out]);
  const found = readdirSync(out, { recursive: true, encoding: "utf8" });
  const wanted = [...walk(root)].slice(1);
  expect(new Set(found)).toEqual(new Set(wanted.map((entry) => byteStringToUtf8(entry.path))));
  for (const { path: name, inode } of wanted) {
    const target = join(out, byteStringToUtf8(name) ?? "");
    if (inode.type === "file")
      expect(readFileSync(target).equals(await contentBytes(inode.content, 64 * MIB))).toBe(true);
    else expect(statSync(target).isDirectory()).toBe(true);
  }
}

function bytes(length: number, seed: number): Content {
  return contentOf(Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) % 251));
}

// mtools knows no characters beyond 16 bits, and Linux no names beyond 255 bytes to copy to: those only go by fsck.
const LETTERS = "abcXYZ019 .-_+,;=[]äßéЖ日€~!'()".split("");

const fatName = fc
  .oneof(
    { weight: 5, arbitrary: fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 1, maxLength: 30 }) },
    { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom("n", "é", "."), minLength: 100, maxLength: 125 }) },
  )
  // mtools' own globbing trips over brackets; fsck reads them in the fixed case below.
  .map((name) => `x${name.replace(/[[\]]/g, "")}`.slice(0, 254).replace(/[. ]+$/, ""));

const fatTree: fc.Arbitrary<DirectoryInode> = fc.letrec<{ tree: DirectoryInode; file: ReturnType<typeof file> }>(
  (tie) => ({
    file: fc
      .tuple(fc.constantFrom(0, 1, 511, 512, 513, 4096, 70_000), fc.nat(1000))
      .map(([length, seed]) => file(length === 0 ? EMPTY_CONTENT : bytes(length, seed), { mtimeSeconds: MTIME })),
    tree: fc
      .uniqueArray(
        fc.tuple(fatName, fc.oneof({ depthSize: "small", withCrossShrink: true }, tie("file"), tie("tree"))),
        {
          selector: ([name]) => name.toUpperCase(),
          maxLength: 12,
        },
      )
      .map((entries) =>
        directory(
          { mtimeSeconds: MTIME },
          entries.map(([name, inode]) => [utf8ToByteString(name), inode] as const),
        ),
      ),
  }),
).tree;

describe("FAT32 volumes", () => {
  oracle(
    ["fsck.vfat", "mcopy"],
    "with random trees pass fsck.vfat and come back through mtools",
    async () => {
      using folder = tempDir();
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fatTree, async (root) => {
          const path = folder.join(`${++round}.img`);
          await writeVolume(path, root);
          await checkVolume(path);
          await compareVolume(path, root, folder.join(`out-${round}`));
        }),
        { seed: 20250617, numRuns: 25, endOnFailure: true },
      );
    },
    { proves: "FAT volumes of random trees are sound and complete", timeoutMs: 120_000 },
  );

  oracle(
    ["fsck.vfat", "mcopy"],
    "hold a thousand files with names that begin alike, and long, odd names",
    async () => {
      using folder = tempDir();
      const root = directory({}, [
        [
          "many",
          directory(
            {},
            Array.from(
              { length: 1000 },
              (_, index) => [`firmware image ${index}.bin`, file(bytes(index, index))] as const,
            ),
          ),
        ],
        ["n".repeat(255), file(bytes(10, 1))],
        [utf8ToByteString("日".repeat(85)), file(bytes(10, 2))],
        ["empty", directory()],
        [
          "EFI",
          directory({}, [
            [
              "BOOT",
              directory({}, [
                ["BOOTX64.EFI", file(bytes(3 * MIB, 3))],
                ["grubx64.efi", file(bytes(99, 4))],
              ]),
            ],
          ]),
        ],
        [".hidden.tar.gz", file(EMPTY_CONTENT)],
      ]);
      const path = folder.join("volume.img");
      await writeVolume(path, root);
      await checkVolume(path);
      await compareVolume(path, root, folder.join("out"));
    },
    { proves: "large FAT directories and long names are sound", timeoutMs: 60_000 },
  );

  oracle(
    "fsck.vfat",
    "hold names of 255 units and beyond 16 bits",
    async () => {
      using folder = tempDir();
      const names = ["ü".repeat(255), "🌳".repeat(127), `[${"é".repeat(20)}]`];
      const path = folder.join("volume.img");
      await writeVolume(
        path,
        directory(
          {},
          names.map((name, index) => [utf8ToByteString(name), file(bytes(10, index))] as const),
        ),
      );
      await checkVolume(path);
    },
    { proves: "the longest FAT names are sound" },
  );

  oracle(
    ["fsck.vfat", "mdir"],
    "show label, serial, times and sizes as they were given",
    async () => {
      using folder = tempDir();
      const path = folder.join("volume.img");
      await writeVolume(
        path,
        directory({ mtimeSeconds: MTIME }, [["grubx64.efi", file(bytes(12345, 1), { mtimeSeconds: MTIME })]]),
      );
      const { stdout } = await run("mdir", ["-i", path, "::"]);
      expect(stdout).toMatch(/Volume in drive : is EFI-SYSTEM/);
      expect(stdout).toMatch(/Volume Serial Number is CAFE-0123/);
      expect(stdout).toMatch(/grubx64\s+efi\s+12345 2025-06-17\s+8:30/i);
    },
    { proves: "label, serial and times read right" },
  );

  const sizes = [
    33 * MIB,
    64 * MIB,
    260 * MIB,
    512 * MIB,
    1024 * MIB,
    9 * 1024 * MIB,
    20 * 1024 * MIB,
    40 * 1024 * MIB,
  ];
  oracle(
    ["fsck.vfat", "mdir"],
    `are sound at every cluster size (${sizes.map((size) => size / MIB).join(", ")} MiB)`,
    async () => {
      using folder = tempDir();
      const root = directory({}, [["a directory", directory({}, [["a file", file(bytes(100_000, 1))]])]]);
      for (const sizeBytes of sizes) {
        const path = folder.join(`${sizeBytes}.img`);
        await writeVolume(path, root, { sizeBytes });
        await checkVolume(path);
        expect((await run("mdir", ["-/", "-b", "-i", path, "::"])).stdout).toContain("::/a directory/a file");
      }
    },
    { proves: "every cluster size is laid out right", timeoutMs: 120_000 },
  );
});
