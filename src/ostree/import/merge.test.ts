import { describe, expect, it } from "vitest";
import { contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import { directory, type DirectoryInode, file, type Metadata, place, symlink, walk } from "../../tree/index.ts";
import { dropPlaceholders, mergeLayer } from "./merge.ts";

/** Paths that end in "/" are directories, " -> " makes links, others are files that hold their tree's name. */
function tree(name: string, paths: readonly string[], metadata: Partial<Metadata> = {}): DirectoryInode {
  const root = directory(metadata);
  for (const path of paths) {
    const [from = "", to] = path.split(" -> ");
    if (to !== undefined) place(root, from, symlink(to));
    else
      place(
        root,
        path,
        path.endsWith("/") ? directory(metadata) : file(contentOf(Buffer.from(name)), { uid: name.length }),
      );
  }
  return root;
}

function list(root: DirectoryInode): string[] {
  return [...walk(root)].filter(({ path }) => path !== "").map(({ path, inode }) => `${path}:${inode.uid}`);
}

const low = ["a/", "a/x", "a/y", "b/", "b/deep/", "b/deep/z", "f"];

describe("merging layers", () => {
  it("keeps an existing directory's metadata", () => {
    const merged = mergeLayer(tree("1", low, { mode: 0o711 }), tree("22", ["a/", "a/new"], { mode: 0o700 }));
    expect(merged.mode).toBe(0o711);
    expect(merged.entries.get("a")?.mode).toBe(0o711);
    expect(list(merged)).toEqual(["a:0", "a/new:2", "a/x:1", "a/y:1", "b:0", "b/deep:0", "b/deep/z:1", "f:1"]);
  });

  it("removes what whiteouts name, files and trees", () => {
    const merged = mergeLayer(tree("1", low), tree("22", ["a/", "a/.wh.x", ".wh.b", ".wh.missing"]));
    expect(list(merged)).toEqual(["a:0", "a/y:1", "f:1"]);
  });

  it("empties an opaque directory and takes the new metadata", () => {
    const merged = mergeLayer(tree("1", low), tree("22", ["a/", "a/.wh..wh..opq", "a/new"], { mode: 0o700 }));
    expect(list(merged)).toEqual(["a:0", "a/new:2", "b:0", "b/deep:0", "b/deep/z:1", "f:1"]);
    expect(merged.entries.get("a")?.mode).toBe(0o700);
  });

  it("lets files and directories replace each other", () => {
    expect(list(mergeLayer(tree("1", low), tree("22", ["a", "f/", "f/in"])))).toEqual([
      "a:2",
      "b:0",
      "b/deep:0",
      "b/deep/z:1",
      "f:0",
      "f/in:2",
    ]);
  });

  it('takes links named like whiteouts for what they are, and removes names before ".wh."', () => {
    expect(list(mergeLayer(tree("1", low), tree("22", [".wh.a -> x"])))).toContain(".wh.a:0");
    expect(list(mergeLayer(undefined, tree("22", ["-x", ".wh.-x", "y", ".wh.y"])))).toEqual(["y:2"]);
  });

  it("takes over directories that it does not change", () => {
    const below = tree("1", low);
    const layer = tree("22", ["a/", "a/new", "c/", "c/d/"]);
    const merged = mergeLayer(below, layer);
    expect(merged.entries.get("b")).toBe(below.entries.get("b"));
    expect(merged.entries.get("c")).toBe(layer.entries.get("c"));
    expect(mergeLayer(undefined, layer)).toBe(layer);
    expect(list(below)).toEqual(list(tree("1", low)));
  });

  it("refuses a whiteout of nothing", () => {
    expect(() => mergeLayer(undefined, tree("1", [".wh."]))).toThrow(/it names nothing/);
  });
});

it("drops only empty placeholders", () => {
  const root = tree("1", ["usr/", "usr/etc/", "usr/etc/resolv.conf"]);
  place(root, "usr/etc/hostname", file(EMPTY_CONTENT));
  expect(list(dropPlaceholders(root))).toEqual(["usr:0", "usr/etc:0", "usr/etc/resolv.conf:1"]);
});
