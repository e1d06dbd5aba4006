import { describe, expect, it } from "vitest";
import { type Content, contentBytes, contentOf, contentSource, MemorySource } from "../../base/io/index.ts";
import { Ext4Reader, layoutExt4 } from "./index.ts";
import type { FsDirectory, FsFile, FsNode } from "./input.ts";

const METADATA = { mode: 0o640, uid: 70_000, gid: 5, mtimeSeconds: 2 ** 33, xattrs: [] };
const OPTIONS = {
  sizeBytes: 200 * 2 ** 20,
  uuid: new Uint8Array(16).fill(0x11),
  hashSeed: new Uint8Array(16),
  label: "root",
  epochSeconds: 0,
};
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_each, index) => (index * 7 + length) % 251);
const directory = (entries: [string, FsNode][] = []): FsDirectory => ({
  ...METADATA,
  type: "directory",
  entries: new Map(entries),
});
const file = (content: Content, xattrs: FsFile["xattrs"] = []): FsFile => ({
  ...METADATA,
  type: "file",
  content,
  xattrs,
});

const xattrs = [
  { name: "security.label", value: bytes(20) },
  {
    name: "system.posix_acl_access",
    value: Buffer.from("0200000001000700ffffffff02000600e803000020000000ffffffff", "hex"),
  },
  { name: "user.large", value: bytes(2000) },
];
const pieces = Array.from({ length: 700 }, (_each, index) => ({
  at: index * 8192 + 9,
  length: 50,
  source: new MemorySource(bytes(50)),
  sourceOffset: 0,
}));
const root = directory([
  ["plain", file(contentOf(bytes(10_000)), xattrs)],
  ["sparse", file({ sizeBytes: 6_000_000, extents: pieces })],
  ["short", { ...METADATA, type: "symlink", target: "t".repeat(59) }],
  ["long", { ...METADATA, type: "symlink", target: "t".repeat(60) }],
  ["many", directory(Array.from({ length: 1000 }, (_each, index) => [`name-${index}`, file(contentOf(bytes(index)))]))],
]);

describe("Ext4Reader", async () => {
  const reader = await Ext4Reader.open(contentSource(layoutExt4(root, OPTIONS)));

  it("knows the file system", () => {
    expect(reader.superblock).toMatchObject({
      label: "root",
      uuid: "11111111-1111-1111-1111-111111111111",
      blockSize: 4096,
      blockCount: 51_200,
      needsRecovery: false,
    });
  });

  it("reads a file with its metadata and attributes", async () => {
    const inode = await reader.lookup("plain");
    expect(inode).toMatchObject({
      type: "file",
      mode: 0o640,
      uid: 70_000,
      gid: 5,
      links: 1,
      mtimeSeconds: 2 ** 33,
      sizeBytes: 10_000,
    });
    if (inode === undefined) return;
    expect(await contentBytes(await reader.content(inode), 10_000)).toEqual(bytes(10_000));
    expect((await reader.xattrs(inode)).map(({ name, value }) => ({ name, value: Buffer.from(value) }))).toEqual(
      xattrs.map(({ name, value }) => ({ name, value: Buffer.from(value) })),
    );
  });

  it("reads a sparse file through a tree of extents", async () => {
    const inode = await reader.lookup("/sparse");
    const content = inode && (await reader.content(inode));
    expect(content?.extents.length).toBe(700);
    const wanted = new Uint8Array(6_000_000);
    for (const piece of pieces) wanted.set(bytes(50), piece.at);
    expect(Buffer.compare(await contentBytes(content ?? { sizeBytes: 0, extents: [] }, 6_000_000), wanted)).toBe(0);
  });

  it("reads links and directories", async () => {
    for (const [name, length] of [
      ["short", 59],
      ["long", 60],
    ] as const) {
      const inode = await reader.lookup(name);
      expect(inode && (await reader.symlinkTarget(inode))).toBe("t".repeat(length));
    }
    const many = await reader.lookup("many");
    expect(many && (await reader.entries(many)).map((entry) => entry.name).sort()).toEqual(
      Array.from({ length: 1000 }, (_each, index) => `name-${index}`).sort(),
    );
    expect((await reader.lookup("many/name-999"))?.sizeBytes).toBe(999);
    expect(await reader.lookup("many/absent")).toBeUndefined();
    expect(await reader.lookup("plain/below")).toBeUndefined();
  });

  it("refuses what is not ext4", async () => {
    await expect(Ext4Reader.open(new MemorySource(new Uint8Array(4096)))).rejects.toThrow("magic is 0x0");
    await expect(Ext4Reader.open(new MemorySource(new Uint8Array(100)))).rejects.toThrow("only 100 bytes");
  });

  it("survives any single damaged byte of the metadata that a walk reads", async () => {
    const image = await contentBytes(
      layoutExt4(directory([["a", file(contentOf(bytes(10)), xattrs)]]), { ...OPTIONS, sizeBytes: 2 ** 20 }),
      2 ** 20,
    );
    for (let at = 1024; at < 60_000; at += 97) {
      const before = image[at] ?? 0;
      image[at] = 0xff;
      const attempt = async (): Promise<void> => {
        const broken = await Ext4Reader.open(new MemorySource(image));
        const inode = await broken.lookup("a");
        if (inode !== undefined) await Promise.all([broken.xattrs(inode), broken.content(inode)]);
      };
      // Either it reads or it says what is wrong; it never throws something unforeseen.
      await attempt().catch((error: unknown) => expect((error as Error).name).toMatch(/^(Ext4Error|IoError)$/));
      image[at] = before;
    }
  });
});
