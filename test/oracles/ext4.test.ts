/** ext4 judged by e2fsck, debugfs, resize2fs, GRUB's own reader and the Linux kernel. */
import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { contentBytes, FileSource } from "../../src/base/io/index.ts";
import { Ext4Reader, layoutExt4, minimalExt4Size } from "../../src/formats/ext4/index.ts";
import { directory, file } from "../../src/tree/index.ts";
import { mountImage } from "../support/disk.ts";
import { oracle, run, tempDir } from "../support/tools.ts";
import { differences } from "./ext4-compare.ts";
import { expectClean, GIB, make, MIB, MOUNT, OPTIONS } from "./ext4-image.ts";
import { ACCESS_ACL, everyKind, patternContent, randomTree } from "./ext4-trees.ts";

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
    ["mke2fs", "debugfs"],
    "reads what mke2fs makes, and maps the resize inode as it does",
    async () => {
      using folder = tempDir();
      const image = folder.join("mke2fs");
      const names = Array.from({ length: 1000 }, (_each, index) => `name-${index}`);
      mkdirSync(folder.join("tree", "many"), { recursive: true });
      for (const name of names) writeFileSync(folder.join("tree", "many", name), name.repeat(900));
      await run("mke2fs", ["-q", "-t", "ext4", "-d", folder.join("tree"), image, "1500M"]);
      using source = FileSource.open(image);
      const reader = await Ext4Reader.open(source);
      const many = await reader.lookup("many");
      expect(many && (await reader.entries(many)).map((entry) => entry.name).sort()).toEqual(names.toSorted());
      const inode = await reader.lookup("many/name-77");
      const content = inode && (await reader.content(inode));
      expect(content && Buffer.from(await contentBytes(content, MIB)).toString()).toBe("name-77".repeat(900));

      const resizeMap = async (file: string): Promise<string> =>
        (await run("debugfs", ["-R", "stat <7>", file])).stdout
          .replace(/^[\s\S]*BLOCKS:/, "")
          .replace(/\(DIND\):\d+/, "");
      const ours = folder.join("ours");
      await make(ours, directory(), { sizeBytes: 1500 * MIB, maxSizeBytes: 1500 * MIB * 1024 });
      expect(await resizeMap(ours)).toBe(await resizeMap(image));
    },
    { proves: "our reader reads others' file systems; descriptors are reserved as mke2fs does" },
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
    "holds random trees",
    async () => {
      // Not fast-check's own limit: that one leaves the last run, and its mount, behind.
      const deadline = performance.now() + 10_000;
      await fc.assert(
        fc.asyncProperty(randomTree, fc.boolean(), async (root, tight) => {
          if (performance.now() > deadline) return;
          using folder = tempDir();
          const image = folder.join("image");
          const least = minimalExt4Size(root, OPTIONS);
          await make(image, root, { sizeBytes: tight ? least : 200 * MIB });
          await expectClean(image);
          await using mount = await mountImage(image, folder);
          expect(await differences(root, mount.path)).toEqual([]);
        }),
        { seed: 4, numRuns: 25 },
      );
    },
    { proves: "arbitrary trees survive" },
  );
});
