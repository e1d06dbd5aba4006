import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../base/digest.ts";
import { contentBytes, contentOf, EMPTY_CONTENT, MemorySource } from "../../base/io/index.ts";
import { type LocalStore, openLocalStore } from "../../oci/index.ts";
import { diffTrees, type LayerEntry, readTarTree, walk, whiteout } from "../../tree/index.ts";
import { Root } from "./root.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-root-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const signal = new AbortController().signal;
const PLAIN = { uid: 0, gid: 0, mtimeSeconds: 50, xattrs: [], target: "", content: EMPTY_CONTENT, major: 0, minor: 0 };

function dir(path: string): LayerEntry {
  return { ...PLAIN, type: "directory", path, mode: 0o755 };
}
function file(path: string, text: string): LayerEntry {
  return { ...PLAIN, type: "file", path, mode: 0o644, content: contentOf(Buffer.from(text)) };
}
function symlink(path: string, target: string): LayerEntry {
  return { ...PLAIN, type: "symlink", path, mode: 0o777, target };
}
function link(path: string, target: string): LayerEntry {
  return { ...PLAIN, type: "hardlink", path, mode: 0, target };
}

const BASE = [
  symlink("bin", "usr/bin"),
  dir("usr"),
  dir("usr/bin"),
  file("usr/bin/sh", "shell"),
  symlink("usr/bin/up", "../../etc/./conf"),
  symlink("etc", "/real-etc"),
  dir("real-etc"),
  file("real-etc/conf", "settings"),
  symlink("loop", "loop2"),
  symlink("loop2", "/loop"),
  symlink("dangling", "/nowhere/at/all"),
];

async function rootOf(store: LocalStore, ...layers: readonly (readonly LayerEntry[])[]): Promise<Root> {
  let root = Root.of(store, [], store.images);
  for (const entries of layers) ({ root } = await root.add(entries, { signal }));
  return root;
}

async function textOf(root: Root, path: string): Promise<string | undefined> {
  const bytes = await root.readFile(path, 100);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

describe("Root", () => {
  it("follows links inside itself, of parents and of the last name", async () => {
    using root = await rootOf(await openLocalStore(directory), BASE);
    expect(await textOf(root, "/bin/sh")).toBe("shell");
    expect(await textOf(root, "bin/up")).toBe("settings");
    expect(await textOf(root, "../../bin/../../etc/conf")).toBe("settings");
    expect((await root.lstat("bin"))?.type).toBe("symlink");
    expect((await root.lstat("bin/up"))?.type).toBe("symlink");
    expect((await root.lookup(""))?.type).toBe("directory");
    expect(await root.lookup("usr/bin/sh/x")).toBeUndefined();
    expect(await textOf(root, "etc")).toBeUndefined();
    await expect(root.lookup("loop")).rejects.toThrow("symbolic links");
    await expect(root.readFile("bin/sh", 3)).rejects.toMatchObject({ code: "LIMIT" });
  });

  it.each([
    ["bin/new/file", "usr/bin/new/file"],
    ["etc", "real-etc"],
    ["dangling/x", "nowhere/at/all/x"],
    ["/bin/./sh", "usr/bin/sh"],
    ["bin/up", "real-etc/conf"],
    ["a/b/../c", "a/c"],
    ["/", ""],
  ])("resolves %s to %s", async (path, wanted) => {
    using root = await rootOf(await openLocalStore(directory), BASE);
    expect(await root.realPath(path)).toBe(wanted);
  });

  it("answers for the new layers without knowing the old ones, and from the tree alike", async () => {
    const store = await openLocalStore(directory);
    const upper = [file("usr/bin/sh", "new shell"), whiteout("real-etc/conf"), file("opt/x", "x")];
    using root = await rootOf(store, BASE, upper);
    expect(await textOf(root, "bin/sh")).toBe("new shell");
    expect(await textOf(root, "etc/conf")).toBeUndefined();
    expect((await root.lookup("opt"))?.mode).toBe(0o755);
    // A new object, from the files of the first one.
    using again = Root.of(store, root.layers, store.images);
    expect([...walk(await again.tree())].map(({ path }) => path)).toContain("opt/x");
    expect(await textOf(again, "bin/sh")).toBe("new shell");
  });

  it("has the same contents as another root of the same layers", async () => {
    const store = await openLocalStore(directory);
    using root = await rootOf(store, BASE, [file("opt/x", "x")]);
    using again = Root.of(store, root.layers, store.images);
    using base = Root.of(store, root.layers.slice(0, 1), store.images);
    expect(diffTrees(await again.tree(), await root.tree())).toEqual([]);
    expect(diffTrees(await base.tree(), await root.tree()).map(({ path }) => path)).toEqual(["opt", "opt/x"]);
  });

  it("reads layers whose hard links lead to other layers", async () => {
    using root = await rootOf(await openLocalStore(directory), BASE, [link("sh", "usr/bin/sh")]);
    expect(await textOf(root, "sh")).toBe("shell");
  });

  it("makes files of its own again when they are damaged or gone", async () => {
    const store = await openLocalStore(directory);
    using root = await rootOf(store, BASE);
    const cached = join(store.cache.directory, readdirSync(store.cache.directory)[0] ?? "");
    expect(await textOf(root, "bin/sh")).toBe("shell");
    expect(readdirSync(cached)).toContain("paths");
    rmSync(cached, { recursive: true });
    using again = Root.of(store, root.layers, store.images);
    expect(await textOf(again, "bin/sh")).toBe("shell");
  });
});

describe("the layer that Root.add writes", () => {
  it("is sorted, without repetitions, linked to the first name, clamped, and the same every time", async () => {
    const entries = [
      file("b/file", "kept"),
      dir("b"),
      link("z", "b/file"),
      link("a", "z"),
      file("c", "first"),
      { ...file("c", "second"), mtimeSeconds: 500, xattrs: [xattr("user.b"), xattr("user.a")] },
      whiteout("gone"),
    ];
    const store = await openLocalStore(join(directory, "one"));
    const root = Root.of(store, [], store.images);
    const { layer, root: next } = await root.add(entries, { epochSeconds: 100, signal });
    expect(layer?.entries.map(({ path, type, target, mtimeSeconds }) => [path, type, target, mtimeSeconds])).toEqual([
      [".wh.gone", "file", "", 0],
      ["a", "file", "", 50],
      ["b", "directory", "", 50],
      ["b/file", "hardlink", "a", 50],
      ["c", "file", "", 100],
      ["z", "hardlink", "a", 50],
    ]);
    expect(layer?.entries[4]?.xattrs.map(({ name }) => name)).toEqual(["user.a", "user.b"]);
    expect(next.layers).toEqual([layer?.image]);
    // The blob is the tar of the diffId.
    const blob = Buffer.concat(await Array.fromAsync(store.images.fetch(layer?.image.descriptor as never)));
    const tar = gunzipSync(blob);
    expect(digestOf(tar)).toBe(layer?.image.diffId);
    const tree = await readTarTree(new MemorySource(tar));
    const found = tree.entries.get("c");
    expect(found?.type === "file" && Buffer.from(await contentBytes(found.content, 10)).toString()).toBe("second");
    const other = await openLocalStore(join(directory, "two"));
    const again = await Root.of(other, [], other.images).add(entries.toReversed().toSorted(byType), {
      epochSeconds: 100,
      signal,
    });
    expect(again.layer?.image).toEqual(layer?.image);
    next[Symbol.dispose]();
    again.root[Symbol.dispose]();
  });

  it("has the directories above its entries as they are below, but none that is later than the epoch", async () => {
    const store = await openLocalStore(directory);
    using root = await rootOf(store, [
      { ...dir("usr"), mode: 0o711 },
      { ...dir("usr/lib"), mtimeSeconds: 200 },
      dir("usr/lib/deep"),
    ]);
    const { layer } = await root.add([file("usr/lib/deep/x", "x"), whiteout("usr/lib/y"), file("opt/z", "z")], {
      epochSeconds: 100,
      signal,
    });
    expect(layer?.entries.map(({ path, mode }) => [path, mode])).toEqual([
      ["opt/z", 0o644],
      ["usr", 0o711],
      ["usr/lib/.wh.y", 0o600],
      ["usr/lib/deep", 0o755],
      ["usr/lib/deep/x", 0o644],
    ]);
  });

  it("is not made of nothing", async () => {
    const store = await openLocalStore(directory);
    const root = Root.of(store, [], store.images);
    expect(await root.add([], { signal })).toEqual({ root });
    expect(readdirSync(join(directory, "blobs/sha256"))).toEqual([]);
  });

  it("leaves nothing behind when its content cannot be read", async () => {
    const store = await openLocalStore(directory);
    const source = { sizeBytes: 9, read: () => Promise.reject(new Error("gone")) };
    const content = { sizeBytes: 9, extents: [{ at: 0, length: 9, source, sourceOffset: 0 }] };
    const adding = Root.of(store, [], store.images).add([{ ...file("x", ""), content }], { signal });
    await expect(adding).rejects.toThrow("gone");
    expect(readdirSync(join(directory, "blobs/sha256"))).toEqual([]);
    expect(readdirSync(join(directory, "cache"))).toEqual([]);
  });
});

function xattr(name: string): { name: string; value: Uint8Array } {
  return { name, value: Buffer.from("value") };
}

/** Another order, in which the last of two with the same path is still the last. */
function byType(a: LayerEntry, b: LayerEntry): number {
  return a.mtimeSeconds - b.mtimeSeconds;
}
