import { describe, expect, it } from "vitest";
import { contentBytes, contentOf, EMPTY_CONTENT } from "../base/io/index.ts";
import type { DirectoryInode } from "./inode.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { applyLayer, mergeLayers } from "./merge-layers.ts";
import { lookup, TreeError, walk } from "./path.ts";

const METADATA = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  xattrs: [],
  major: 0,
  minor: 0,
  target: "",
  content: EMPTY_CONTENT,
};

function file(path: string, text = path): LayerEntry {
  return { ...METADATA, type: "file", path, content: contentOf(Buffer.from(text)) };
}

function dir(path: string, mode = 0o755): LayerEntry {
  return { ...METADATA, type: "directory", path, mode };
}

function symlink(path: string, target: string): LayerEntry {
  return { ...METADATA, type: "symlink", path, target };
}

function link(path: string, target: string): LayerEntry {
  return { ...METADATA, type: "hardlink", path, target };
}

function paths(root: DirectoryInode): string[] {
  return [...walk(root)].map(({ path }) => path).filter((path) => path !== "");
}

async function text(root: DirectoryInode, path: string): Promise<string> {
  const inode = lookup(root, path);
  return inode?.type === "file"
    ? Buffer.from(await contentBytes(inode.content, 1000)).toString()
    : `not a file: ${inode?.type}`;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TreeError) return error.code;
    throw error;
  }
  return "none";
}

describe("mergeLayers", () => {
  it("replaces files, keeps the rest, lets the later directory metadata win", async () => {
    const root = mergeLayers([
      [dir("", 0o700), dir("a", 0o700), file("a/x", "old"), file("a/y")],
      [dir("a", 0o711), file("a/x", "new")],
    ]);
    expect(paths(root)).toEqual(["a", "a/x", "a/y"]);
    expect(await text(root, "a/x")).toBe("new");
    expect(lookup(root, "a")?.mode).toBe(0o711);
    expect(root.mode).toBe(0o700);
  });

  it("keeps the metadata of directories that a layer only passes through", () => {
    const root = mergeLayers([[dir("a", 0o700)], [file("a/b/c")]]);
    expect(lookup(root, "a")?.mode).toBe(0o700);
    expect(lookup(root, "a/b")).toMatchObject({ mode: 0o755, uid: 0, gid: 0 });
  });

  it("applies whiteouts to older layers only, whatever their place in the layer", () => {
    const root = mergeLayers([
      [file("a/x"), file("a/y/z"), file("b")],
      [file("a/x", "again"), file("a/.wh.x"), file("a/.wh.y"), file(".wh.missing"), file(".wh.b"), file("b/c")],
    ]);
    expect(paths(root)).toEqual(["a", "a/x", "b", "b/c"]);
  });

  it("empties opaque directories of older layers only", () => {
    const root = mergeLayers([
      [dir("a", 0o700), file("a/x"), file("a/y/z")],
      [file("a/new"), file("a/.wh..wh..opq"), file("a/y/k")],
    ]);
    expect(paths(root)).toEqual(["a", "a/new", "a/y", "a/y/k"]);
    expect(lookup(root, "a")?.mode).toBe(0o700);
  });

  it("ignores the bookkeeping of old storage drivers, refuses whiteouts of nothing", () => {
    expect(paths(mergeLayers([[file(".wh..wh.plnk"), file("a")]]))).toEqual(["a"]);
    for (const name of [".wh.", ".wh..", ".wh..."])
      expect(codeOf(() => mergeLayers([[file(`a/${name}`)]]))).toBe("BAD_PATH");
    expect(codeOf(() => mergeLayers([[file("a/.wh....")]]))).toBe("none");
  });

  it("takes whiteouts for files when asked", () => {
    expect(paths(mergeLayers([[file(".wh.x")]], { whiteouts: false }))).toEqual([".wh.x"]);
  });

  it("lets types replace each other", () => {
    const root = mergeLayers([
      [file("a/x"), symlink("l", "a"), file("f")],
      [file("a"), dir("l"), file("f/g"), symlink("s", "x")],
      [file("s/t")],
    ]);
    expect([...walk(root)].map(({ path, inode }) => `${path}:${inode.type}`)).toEqual([
      ":directory",
      "a:file",
      "f:directory",
      "f/g:file",
      "l:directory",
      "s:directory",
      "s/t:file",
    ]);
  });

  it("never writes through a symbolic link", async () => {
    const root = mergeLayers([[file("usr/lib/x", "safe"), symlink("lib", "usr/lib")], [file("lib/x", "other")]]);
    expect(await text(root, "usr/lib/x")).toBe("safe");
    expect(await text(root, "lib/x")).toBe("other");
    expect(codeOf(() => mergeLayers([[symlink("lib", "usr/lib"), file("lib/x")]]))).toBe("NOT_A_DIRECTORY");
  });

  it("shares inodes between hard links, in a layer, across layers, and when the target comes later", () => {
    const root = mergeLayers([
      [file("a"), link("b", "a")],
      [link("c", "b"), link("e", "d"), file("d")],
    ]);
    expect(lookup(root, "b")).toBe(lookup(root, "a"));
    expect(lookup(root, "c")).toBe(lookup(root, "a"));
    expect(lookup(root, "e")).toBe(lookup(root, "d"));
  });

  it("keeps a hard link's inode when its other name goes", async () => {
    const root = mergeLayers([[file("a", "kept"), link("b", "a")], [file("a", "changed")]]);
    expect(await text(root, "b")).toBe("kept");
    expect(await text(root, "a")).toBe("changed");
    expect(paths(mergeLayers([[file("a"), link("b", "a")], [file(".wh.a")]]))).toEqual(["b"]);
  });

  it("refuses hard links to nothing and to directories, and a root that is none", () => {
    expect(codeOf(() => mergeLayers([[link("b", "a")]]))).toBe("NOT_FOUND");
    expect(codeOf(() => mergeLayers([[dir("a"), link("b", "a")]]))).toBe("BAD_PATH");
    expect(codeOf(() => mergeLayers([[file("")]]))).toBe("BAD_PATH");
    expect(codeOf(() => mergeLayers([[file("../x")]]))).toBe("BAD_PATH");
  });

  it("adds one layer to a tree that is there", () => {
    expect(paths(applyLayer(mergeLayers([[file("a")]]), [file("b")]))).toEqual(["a", "b"]);
  });
});
