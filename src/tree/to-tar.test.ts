import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentBytes, contentOf, dataBytes, EMPTY_CONTENT, type Extent, MemorySource } from "../base/io/index.ts";
import { readTarTree } from "./from-tar.ts";
import { directory, type DirectoryInode, file, type Inode, symlink, type Xattr } from "./inode.ts";
import { entryOf } from "./diff-trees.ts";
import { lookup, walk } from "./path.ts";
import { entriesToTar, treeToTar, type TreeToTarOptions } from "./to-tar.ts";

async function tarOf(root: DirectoryInode, options?: TreeToTarOptions): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of treeToTar(root, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Everything a tree says, as plain values; hard links as the number of their inode. */
async function facts(root: DirectoryInode): Promise<unknown[]> {
  const numbers = new Map<Inode, number>();
  const found: unknown[] = [];
  for (const { path, inode } of walk(root)) {
    if (!numbers.has(inode)) numbers.set(inode, numbers.size);
    const content =
      inode.type === "file" ? Buffer.from(await contentBytes(inode.content, 1 << 20)).toString("hex") : undefined;
    const { mode, uid, gid, mtimeSeconds, type } = inode;
    const xattrs = inode.xattrs.map(({ name, value }) => [name, Buffer.from(value).toString("hex")]);
    const target = inode.type === "symlink" ? inode.target : undefined;
    const device = "major" in inode ? [inode.major, inode.minor] : undefined;
    found.push({
      path,
      number: numbers.get(inode),
      type,
      mode,
      uid,
      gid,
      mtimeSeconds,
      xattrs,
      content,
      target,
      device,
    });
  }
  return found;
}

const byte = fc.integer({ min: 1, max: 255 }).filter((value) => value !== 0x2f);
const name = fc
  .oneof(
    fc.array(byte, { minLength: 1, maxLength: 12 }).map((bytes) => String.fromCharCode(...bytes)),
    fc.stringMatching(/^[a-z]{1,3}$/),
    fc.integer({ min: 90, max: 255 }).map((length) => "n".repeat(length)),
  )
  .filter((text) => text !== "." && text !== "..");
const xattrs = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom("user.a", "user.b=c", "security.capability", "user.%41"),
      fc.uint8Array({ maxLength: 30 }),
    ),
    {
      selector: ([key]) => key,
      maxLength: 3,
    },
  )
  .map((pairs): Xattr[] =>
    pairs.map(([key, value]) => ({ name: key, value })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
const metadata = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.nat(1000), fc.integer({ min: 0, max: 0xffff_ffff })),
  gid: fc.oneof(fc.nat(1000), fc.integer({ min: 0, max: 0xffff_ffff })),
  mtimeSeconds: fc.oneof(fc.nat(), fc.integer({ min: -(2 ** 33), max: 2 ** 40 })),
  xattrs,
});
const leaf: fc.Arbitrary<Inode> = fc.oneof(
  fc.tuple(metadata, fc.uint8Array({ maxLength: 1500 })).map(([meta, bytes]) => file(contentOf(bytes), meta)),
  fc
    .tuple(metadata, fc.array(byte, { minLength: 1, maxLength: 150 }))
    .map(([meta, bytes]) => symlink(String.fromCharCode(...bytes), meta)),
  fc
    .tuple(metadata, fc.nat(0xffff_ffff), fc.nat(255))
    .map(([meta, minor, major]): Inode => ({ ...meta, type: "character", major, minor })),
  metadata.map((meta): Inode => ({ ...meta, type: "fifo" })),
);
const { tree } = fc.letrec<{ tree: DirectoryInode }>((tie) => ({
  tree: fc
    .tuple(
      metadata,
      fc.uniqueArray(fc.tuple(name, fc.oneof({ depthSize: "small" }, leaf, tie("tree"))), {
        selector: ([key]) => key,
        maxLength: 4,
      }),
      fc.boolean(),
    )
    .map(([meta, entries, linked]) => {
      const root = directory(meta, entries);
      const first = entries.find(([, inode]) => inode.type === "file")?.[1];
      if (linked && first !== undefined) root.entries.set("zz-link", first);
      return root;
    }),
}));

describe("treeToTar", () => {
  it("writes trees that read back equal, with equal bytes each time", async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (root) => {
        const tar = await tarOf(root);
        expect(await facts(await readTarTree(new MemorySource(tar)))).toEqual(await facts(root));
        expect(tar.equals(await tarOf(root))).toBe(true);
      }),
      { seed: 11, numRuns: 50 },
    );
  });

  it("clamps times and leaves the root out when asked", async () => {
    const root = directory({}, [["a", file(contentOf(Buffer.from("x")), { mtimeSeconds: 500 })]]);
    const read = await readTarTree(new MemorySource(await tarOf(root, { maxMtimeSeconds: 100, includeRoot: false })));
    expect(read.entries.get("a")?.mtimeSeconds).toBe(100);
    expect((await tarOf(root, { includeRoot: false })).length).toBe(512 * 4);
  });

  it("cuts large files into chunks", async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 5, 7);
    const root = directory({}, [["big", file(contentOf(bytes))]]);
    const read = (await readTarTree(new MemorySource(await tarOf(root)))).entries.get("big");
    expect(read?.type === "file" && Buffer.from(await contentBytes(read.content, 1 << 23)).equals(bytes)).toBe(true);
  });

  it("refuses sockets", async () => {
    const socket: Inode = { type: "socket", mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [] };
    await expect(tarOf(directory({}, [["s", socket]]))).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

describe("entriesToTar", () => {
  const data = contentOf(Buffer.from("data"));
  const extent = (at: number): Extent => ({ ...(data.extents[0] as Extent), at });

  it.each([
    ["in the middle", 3_000_001, [0, 2_999_900]],
    ["at the end", 200_000, [5000]],
    ["only", 100_000, []],
    ["many", 9_000_000, Array.from({ length: 60 }, (_, index) => index * 150_000 + 77)],
  ] as const)("leaves holes out when asked: %s", async (_, sizeBytes, starts) => {
    const content = { sizeBytes, extents: starts.map(extent) };
    for (const path of ["holey", `\xff${"d/".repeat(99)}holey`]) {
      const entry = entryOf(path, file(content, { mtimeSeconds: -3, uid: 7 }));
      const after = entryOf("z", file(data));
      const tar = Buffer.concat(await Array.fromAsync(entriesToTar([entry, after], { sparse: true })));
      expect(tar.length).toBeLessThan(sizeBytes / 2 + 5000 * starts.length);
      const root = await readTarTree(new MemorySource(tar));
      const read = lookup(root, path);
      expect(read).toMatchObject({ type: "file", uid: 7, mtimeSeconds: -3 });
      expect(lookup(root, "z")?.type).toBe("file");
      const found = read?.type === "file" ? read.content : EMPTY_CONTENT;
      expect(found.sizeBytes).toBe(sizeBytes);
      expect(dataBytes(found)).toBeLessThan(sizeBytes / 2);
      const both = await Promise.all([content, found].map((each) => contentBytes(each, sizeBytes)));
      expect(Buffer.compare(both[0] as Uint8Array, both[1] as Uint8Array)).toBe(0);
    }
  });

  it("writes zeros for holes otherwise", async () => {
    const entry = entryOf("holey", file({ sizeBytes: 100_000, extents: [] }));
    const tar = Buffer.concat(await Array.fromAsync(entriesToTar([entry])));
    expect(tar.length).toBe(512 + 100_352 + 1024);
  });
});
