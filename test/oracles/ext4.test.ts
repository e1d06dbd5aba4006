/** ext4 judged by e2fsck, debugfs, resize2fs, GRUB's own reader and the Linux kernel. */
import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { contentFrom, contentOf, type Source } from "../../src/base/io/index.ts";
import { halfMd4, hashSeed } from "../../src/formats/ext4/hash.ts";
import { type Ext4Options, layoutExt4, minimalExt4Size, planExt4 } from "../../src/formats/ext4/index.ts";
import { directory, type DirectoryInode, file } from "../../src/tree/index.ts";
import { mountImage } from "../support/disk.ts";
import { asRoot, oracle, run, tempDir, type TempFolder } from "../support/tools.ts";
import { writeContent } from "../support/write-content.ts";
import { differences } from "./ext4-compare.ts";
import { ACCESS_ACL, everyKind, patternContent, randomTree, sparseContent } from "./ext4-trees.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const OPTIONS: Ext4Options = {
  sizeBytes: 256 * MIB,
  uuid: Buffer.from("0123456789abcdef8123456789abcdef", "hex"),
  hashSeed: Buffer.from("fedcba98765443218fedcba987654321", "hex"),
  label: "root",
  epochSeconds: 1_700_000_000,
};
const MOUNT = [asRoot, "mount", "getfattr", "e2fsck"];

async function make(path: string, root: DirectoryInode, options: Partial<Ext4Options> = {}): Promise<void> {
  await writeContent(path, layoutExt4(root, { ...OPTIONS, ...options }));
}

/** Exit code 0 and none of the lines that report a finding. */
async function expectClean(image: string): Promise<void> {
  const { stdout } = await run("e2fsck", ["-fn", image]);
  expect(stdout.split("\n").filter((line) => line !== "" && !/^Pass [1-5]|^\S+: \d+\/\d+ files/.test(line))).toEqual(
    [],
  );
}

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

describe("ext4", () => {
  oracle(
    MOUNT,
    "holds every kind of inode as the kernel sees it",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const root = everyKind();
      await make(image, root);
      await expectClean(image);
      await using mount = await mountImage(image, folder);
      expect(await differences(root, mount.path)).toEqual([]);
    },
    { proves: "inodes, extents, directories and attributes are what Linux expects" },
  );

  oracle(
    [...MOUNT, "getfacl", "lsattr"],
    "holds access control lists and the immutable flag",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      const xattrs = [{ name: "system.posix_acl_access", value: ACCESS_ACL }];
      await make(
        image,
        directory({}, [
          ["acl", file(patternContent(3), { mode: 0o670, xattrs })],
          ["fixed", directory({ immutable: true })],
        ]),
      );
      await expectClean(image);
      await using mount = await mountImage(image, folder);
      const { stdout } = await run("getfacl", ["-nc", "--absolute-names", `${mount.path}/acl`]);
      expect(stdout.trim().split("\n")).toEqual([
        "user::rw-",
        "user:1000:rw-",
        "group::r--",
        "group:50:r-x",
        "mask::rwx",
        "other::---",
      ]);
      expect((await run("lsattr", ["-d", `${mount.path}/fixed`])).stdout).toMatch(/^\S*i\S* /);
    },
    { proves: "ACLs and chattr +i are stored as Linux reads them" },
  );

  oracle(
    ["dumpe2fs", "debugfs"],
    "reports the features, the label, the journal and the reserve",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      await make(image, everyKind(), { sizeBytes: 1500 * MIB });
      const { stdout } = await run("dumpe2fs", ["-h", image]);
      const fact = (label: string): string | undefined =>
        stdout
          .split("\n")
          .find((line) => line.startsWith(`${label}:`))
          ?.slice(label.length + 1)
          .trim();
      expect(fact("Filesystem features")).toBe(
        "has_journal ext_attr resize_inode dir_index filetype extent 64bit flex_bg sparse_super large_file huge_file dir_nlink extra_isize metadata_csum verity",
      );
      expect(fact("Filesystem volume name")).toBe("root");
      expect(fact("Filesystem UUID")).toBe("01234567-89ab-cdef-8123-456789abcdef");
      expect(fact("Directory Hash Seed")).toBe("fedcba98-7654-4321-8fed-cba987654321");
      expect(fact("Total journal size")).toBe("32M");
      expect(fact("Filesystem state")).toBe("clean");
      // 1,500 GB are 184 blocks of descriptors, one is in use.
      expect(fact("Reserved GDT blocks")).toBe("183");
      const { stdout: tree } = await run("debugfs", ["-R", "htree_dump /hundreds", image]);
      expect(tree).toContain("Number of entries");
      expect(tree).not.toContain("HTREE ERROR");
    },
    { proves: "e2fsprogs reads our superblock" },
  );

  oracle(
    ["grub-fstest"],
    "is readable by GRUB",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      await make(image, everyKind());
      const { stdout } = await run("grub-fstest", [image, "ls", "(loop0)/hundreds/"]);
      expect(stdout).toContain("entry-899");
      for (const name of ["size-1048577", "sparse", "fragments-2000", "hundreds/entry-899"]) {
        const copy = folder.join("copy");
        await run("grub-fstest", [image, "cp", `(loop0)/${name}`, copy]);
        const dumped = folder.join("dumped");
        await run("debugfs", ["-R", `dump /${name} ${dumped}`, image]);
        execFileSync("cmp", [copy, dumped]);
      }
    },
    { proves: "GRUB's own ext4 code finds and reads our files" },
  );

  oracle(
    MOUNT,
    "can be written by the kernel",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      await make(image, everyKind());
      {
        await using mount = await mountImage(image, folder, "rw");
        const script = `cd "$0" && for i in $(seq 500); do echo $i > hundreds/new-$i; mkdir -p a/b/$i; done
          rm -r hundreds/entry-1* names; ln hard-a hard-d; setfattr -n user.more -v ${"m".repeat(300)} attributes/value-60
          echo more >> fragments-400; dd if=/dev/urandom of=large bs=1M count=40 status=none; sync; rm size-4096; chmod 600 attributes/acl`;
        await run("sh", ["-c", script, mount.path]);
      }
      await expectClean(image);
    },
    { proves: "Linux keeps our file system consistent while it writes" },
  );

  oracle(
    ["e2fsck", "resize2fs"],
    "grows offline",
    async () => {
      using folder = tempDir();
      const image = folder.join("image");
      await make(image, everyKind(), { sizeBytes: 300 * MIB });
      truncateSync(image, 40 * GIB);
      const reserved = async (): Promise<number> =>
        Number(/Reserved GDT blocks:\s+(\d+)/.exec((await run("dumpe2fs", ["-h", image])).stdout)?.[1]);
      const before = await reserved();
      await run("resize2fs", [image]);
      await expectClean(image);
      // 40 GiB need five blocks of descriptors, four of them from the reserve.
      expect(await reserved()).toBe(before - 4);
    },
    { proves: "resize2fs understands the reserved descriptors" },
  );

  oracle(
    ["e2fsck"],
    "is consistent at every size, and at the smallest one",
    async () => {
      using folder = tempDir();
      const root = directory({}, [
        ["data", file(patternContent(3 * MIB))],
        ["few", directory()],
      ]);
      const least = minimalExt4Size(root, OPTIONS);
      expect(() => layoutExt4(root, { ...OPTIONS, sizeBytes: least - 4096 })).toThrow(`it needs ${least} bytes`);
      const sizes = [
        least,
        7.9 * MIB,
        8 * MIB,
        127 * MIB,
        128 * MIB,
        129 * MIB,
        131 * MIB,
        1100 * MIB,
        2049 * MIB,
        20 * GIB,
      ];
      for (const sizeBytes of sizes) {
        const image = folder.join("image");
        await make(image, root, { sizeBytes: Math.floor(sizeBytes) });
        await expectClean(image);
      }
    },
    { proves: "group sizes, the last group and small journals are right" },
  );

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

  oracle(
    MOUNT,
    "holds random trees",
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTree, fc.boolean(), async (root, tight) => {
          using folder = tempDir();
          const image = folder.join("image");
          const least = minimalExt4Size(root, OPTIONS);
          await make(image, root, { sizeBytes: tight ? least : 200 * MIB });
          await expectClean(image);
          await using mount = await mountImage(image, folder);
          expect(await differences(root, mount.path)).toEqual([]);
        }),
        { seed: 4, numRuns: 25, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false },
      );
    },
    { proves: "arbitrary trees survive" },
  );
});
