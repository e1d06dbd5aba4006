// Small layers through filter and tree builder; the wanted results were seen with `ostree commit --tree=tar=
// --tar-autocreate-parents` (2022.7), and test/oracles/ostree.test.ts compares random ones.
import { describe, expect, it } from "vitest";
import { contentOf } from "../../base/io/index.ts";
import { type DirectoryInode, type LayerEntry, lookup, walk } from "../../tree/index.ts";
import { LayerFilter } from "./filter.ts";
import { LayerTreeBuilder } from "./layer-tree.ts";

const DEFAULTS = { target: "", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [], major: 0, minor: 0 };
const content = contentOf(Buffer.from("x"));

function entry(type: LayerEntry["type"], path: string, more: Partial<LayerEntry> = {}): LayerEntry {
  return { ...DEFAULTS, type, path, content: type === "file" ? content : contentOf(new Uint8Array()), ...more };
}

function build(
  entries: readonly LayerEntry[],
  allowNonUsr = true,
): { tree: DirectoryInode; dropped: ReadonlyMap<string, number> } {
  const filter = new LayerFilter({ allowNonUsr });
  const builder = new LayerTreeBuilder();
  for (const one of entries) {
    const kept = filter.filter(one);
    if (kept !== undefined) builder.add(kept);
  }
  return { tree: builder.finish(), dropped: filter.dropped };
}

function list(tree: DirectoryInode): string[] {
  return [...walk(tree)].map(
    ({ path, inode }) => `${inode.type.charAt(0)}${inode.mode.toString(8)} ${inode.uid}:${inode.gid} /${path}`,
  );
}

const dir = (path: string, uid: number, gid: number, mode = 0o755): LayerEntry =>
  entry("directory", path, { uid, gid, mode });
const file = (path: string, uid: number, gid: number): LayerEntry => entry("file", path, { uid, gid });
const link = (path: string, target: string): LayerEntry => entry("hardlink", path, { uid: 7, gid: 8, target });

describe("missing parents", () => {
  it("re-stamp every ancestor, those that exist too", () => {
    expect(list(build([dir("", 1, 2, 0o700), dir("a", 3, 4, 0o711), file("a/b/c", 5, 6)]).tree)).toEqual([
      "d755 5:6 /",
      "d755 5:6 /a",
      "d755 5:6 /a/b",
      "f644 5:6 /a/b/c",
    ]);
  });

  it("leave everything as it is when there are none missing", () => {
    expect(list(build([dir("a", 1, 2, 0o700), file("a/c", 5, 6)]).tree)).toEqual([
      "d755 0:0 /",
      "d700 1:2 /a",
      "f644 5:6 /a/c",
    ]);
    expect(list(build([file("top", 5, 6), dir("", 1, 2, 0o700)]).tree)).toEqual(["d700 1:2 /", "f644 5:6 /top"]);
    expect(list(build([]).tree)).toEqual(["d755 0:0 /"]);
  });

  it("are made by a hard link at its own place in the archive", () => {
    expect(list(build([link("x/l", "t"), file("t", 1, 1)]).tree)).toEqual([
      "d755 7:8 /",
      "f644 1:1 /t",
      "d755 7:8 /x",
      "f644 1:1 /x/l",
    ]);
  });
});

describe("hard links", () => {
  it("take what the target is at the end, and replace files", () => {
    expect(list(build([file("t", 1, 1), link("l", "t"), file("l", 3, 3), file("t", 2, 2)]).tree)).toEqual([
      "d755 0:0 /",
      "f644 2:2 /l",
      "f644 2:2 /t",
    ]);
  });

  it("follow /etc to /usr/etc", () => {
    const { tree } = build([file("etc/a", 1, 1), link("usr/b", "etc/a")]);
    expect(lookup(tree, "usr/b")).toBe(lookup(tree, "usr/etc/a"));
  });

  it.each([
    ["nothing", [link("l", "t")]],
    ["a directory", [dir("t", 1, 1), link("l", "t")]],
    ["a later link", [file("t", 1, 1), link("l2", "l1"), link("l1", "t")]],
  ])("to %s are an error", (_, entries) => {
    expect(() => build(entries)).toThrow(/hard link to/);
  });
});

describe("what cannot be", () => {
  it.each([
    ["a file over a directory", [dir("t", 1, 1), file("t", 1, 1)]],
    ["a directory over a file", [file("t", 1, 1), dir("t", 1, 1)]],
    ["a parent that is a link", [entry("symlink", "s", { target: "usr" }), file("s/f", 1, 1)]],
    ["a file as root", [file("./", 1, 1)]],
    ["an escape", [file("usr/../../x", 1, 1)]],
    ["a name that is not UTF-8", [file("usr/\xff", 1, 1)]],
  ])("%s", (_, entries) => {
    expect(() => build(entries)).toThrow(expect.objectContaining({ code: "BAD_LAYER" }));
  });

  it.each(["character", "block", "fifo"] as const)("%s", (type) => {
    expect(() => build([entry(type, "usr/x")])).toThrow(/cannot store "\/usr\/x" in ostree/);
    expect(build([entry(type, "dev/x")]).dropped).toEqual(new Map([["dev", 1]]));
  });
});

describe("on a base commit", () => {
  it("only /usr, /etc, /var and the runtime directories stay", () => {
    const names = ["usr/a", "etc/b", "var/c", "opt/d", "boot/e", "opt", "run", "run/f"];
    const { tree, dropped } = build(
      names.map((path) => file(path, 0, 0)),
      false,
    );
    expect([...walk(tree)].filter(({ inode }) => inode.type === "file").map(({ path }) => path)).toEqual([
      "run",
      "usr/a",
      "usr/etc/b",
      "var/c",
    ]);
    expect(Object.fromEntries(dropped)).toEqual({ opt: 2, boot: 1, run: 1 });
  });

  it("a modified repository object becomes the file of its first name", () => {
    const object = entry("file", "sysroot/ostree/repo/objects/aa/bb.file", { mtimeSeconds: 5, mode: 0o600 });
    const links = ["usr/one", "usr/two"].map((path) => ({ ...link(path, object.path), mtimeSeconds: 5 }));
    const { tree } = build([object, ...links], false);
    expect(list(tree)).toEqual(["d755 0:0 /", "d755 0:0 /usr", "f600 0:0 /usr/one", "f600 0:0 /usr/two"]);
    expect(lookup(tree, "usr/one")).toBe(lookup(tree, "usr/two"));
  });
});
