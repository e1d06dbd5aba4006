import { describe, expect, it } from "vitest";
import { contentFrom, contentOf, type Content, type Source } from "../../base/io/index.ts";
import { buildExtentTree, extentsOf, treeBlockCount } from "./extent-tree.ts";
import { layoutExt4, minimalExt4Size, planExt4 } from "./index.ts";
import type { FsDirectory, FsFile, FsNode } from "./input.ts";

const MIB = 2 ** 20;
const METADATA = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [] };
const OPTIONS = {
  sizeBytes: 64 * MIB,
  uuid: new Uint8Array(16).fill(1),
  hashSeed: new Uint8Array(16),
  epochSeconds: 0,
};

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
const text = (value: string): Content => contentOf(Buffer.from(value));
const nothing: Source = { sizeBytes: 2 ** 40, read: () => Promise.resolve() };

describe("layoutExt4", () => {
  it("gives sorted extents that do not overlap, and writes no empty inode table", () => {
    const entries = Array.from({ length: 500 }, (_each, index): [string, FsNode] => [
      `f${index}`,
      file(contentFrom(nothing, index * 9000, index * 17)),
    ]);
    const content = layoutExt4(directory(entries), OPTIONS);
    expect(content.sizeBytes).toBe(OPTIONS.sizeBytes);
    let end = 0;
    for (const extent of content.extents) {
      expect(extent.at).toBeGreaterThanOrEqual(end);
      end = extent.at + extent.length;
    }
    const metadata = content.extents.filter((extent) => extent.source !== nothing);
    expect(metadata.reduce((sum, extent) => sum + extent.length, 0)).toBeLessThan(300_000);
  });

  it("puts files on disk in the order of their source", () => {
    const content = layoutExt4(
      directory([
        ["a", file(contentFrom(nothing, 900_000, 10))],
        ["b", file(contentFrom(nothing, 100, 5000))],
        ["c", file(contentFrom(nothing, 500_000, 10))],
      ]),
      OPTIONS,
    );
    const data = content.extents.filter((extent) => extent.source === nothing);
    expect(data.map((extent) => extent.sourceOffset)).toEqual([100, 500_000, 900_000]);
    expect(data.every((extent) => extent.at % 4096 === 0)).toBe(true);
  });

  it("is the same each time, whatever the order of the entries", async () => {
    const entries: [string, FsNode][] = Array.from({ length: 300 }, (_each, index) => [
      `name-${index}`,
      file(text(`${index}`)),
    ]);
    const bytes = async (root: FsDirectory): Promise<string[]> => {
      const { extents } = layoutExt4(root, OPTIONS);
      return Promise.all(
        extents.map(async (extent) => {
          const target = new Uint8Array(extent.length);
          await extent.source.read(extent.sourceOffset, target);
          return `${extent.at}:${Buffer.from(target).toString("base64")}`;
        }),
      );
    };
    expect(await bytes(directory(entries))).toEqual(await bytes(directory(entries.toReversed())));
  });

  it("says how much it needs when the size is too small", () => {
    const root = directory([["large", file(contentFrom(nothing, 0, 100 * MIB))]]);
    const least = minimalExt4Size(root, OPTIONS);
    expect(least).toBeGreaterThan(100 * MIB);
    expect(least).toBeLessThan(130 * MIB);
    expect(planExt4(root, { ...OPTIONS, sizeBytes: least }).freeBytes).toBe(0);
    expect(() => planExt4(root, OPTIONS)).toThrow(`it needs ${least} bytes, it has ${OPTIONS.sizeBytes}`);
  });

  it("stores no hole", () => {
    const sparse: Content = {
      sizeBytes: 2 ** 33,
      extents: [{ at: 2 ** 32 + 5, length: 10, source: nothing, sourceOffset: 0 }],
    };
    expect(planExt4(directory([["sparse", file(sparse)]]), OPTIONS).fileBytes).toBe(4096);
  });

  const twice = directory();
  const large = [{ name: "user.large", value: new Uint8Array(5000) }];
  const many = Array.from({ length: 9 }, (_each, index) => ({ name: `user.${index}`, value: new Uint8Array(500) }));
  it.each<[string, FsDirectory]>([
    ['name "a/b" in /', directory([["a/b", directory()]])],
    ['name ".." in /sub', directory([["sub", directory([["..", directory()]])]])],
    ['name "', directory([["x".repeat(256), directory()]])],
    ["/lost+found: found a file", directory([["lost+found", file(text(""))]])],
    [
      "it is also /a",
      directory([
        ["a", twice],
        ["b", twice],
      ]),
    ],
    ['attribute "user.large" of /f', directory([["f", file(text(""), large)]])],
    ["extended attributes of /f", directory([["f", file(text(""), many)]])],
    ['attribute "other" of /f', directory([["f", file(text(""), [{ name: "other", value: new Uint8Array(1) }])]])],
    [
      "is not an access control list",
      directory([["f", file(text(""), [{ name: "system.posix_acl_access", value: new Uint8Array(1) }])]]),
    ],
    ["the target of /l", directory([["l", { ...METADATA, type: "symlink", target: "t".repeat(4096) }]])],
    ["the link has no target", directory([["l", { ...METADATA, type: "symlink", target: "" }]])],
    ["device 4096:0", directory([["d", { ...METADATA, type: "block", major: 4096, minor: 0 }]])],
    ["just below 16 TiB", directory([["f", file({ sizeBytes: 2 ** 44, extents: [] })]])],
  ])("refuses with: %s", (message, root) => {
    expect(() => layoutExt4(root, OPTIONS)).toThrow(message);
  });

  it.each([
    { label: "seventeen letters" },
    { uuid: new Uint8Array(15) },
    { inodeRatio: 1 },
    { reservedPercent: 60 },
    { sizeBytes: -1 },
  ])("refuses the option %j", (option) => {
    expect(() => layoutExt4(directory(), { ...OPTIONS, ...option })).toThrow(/^cannot /);
  });
});

describe("extent tree", () => {
  it.each([0, 4, 5, 340, 1360, 1361, 20_000])("takes as many blocks for %i extents as it says", (count) => {
    const extents = Array.from({ length: count }, (_each, index) => ({
      logical: index * 2,
      physical: index * 3,
      count: 1,
    }));
    let taken = 0;
    const tree = buildExtentTree(extents, 0, () => taken++);
    expect(taken).toBe(treeBlockCount(count));
    expect(tree.blocks.length).toBe(taken);
  });

  it("splits runs at the longest extent", () => {
    expect(
      extentsOf(7, [
        { start: 100, count: 70_000 },
        { start: 200_000, count: 1 },
      ]),
    ).toEqual([
      { logical: 7, physical: 100, count: 32_768 },
      { logical: 32_775, physical: 32_868, count: 32_768 },
      { logical: 65_543, physical: 65_636, count: 4464 },
      { logical: 70_007, physical: 200_000, count: 1 },
    ]);
  });
});
