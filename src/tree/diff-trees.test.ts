import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf, EMPTY_CONTENT, type Content } from "../base/io/index.ts";
import { diffTrees } from "./diff-trees.ts";
import { copyDirectories, directory, type DirectoryInode, file, fileMode, type Inode, symlink } from "./inode.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { applyLayer } from "./merge-layers.ts";
import { ensureDirectory, place, walk } from "./path.ts";

const CONTENTS: readonly Content[] = [
  EMPTY_CONTENT,
  contentOf(Buffer.from("one")),
  contentOf(Buffer.from("two")),
  contentOf(Buffer.from("six")),
];

/** Everything a tree says, hard links as the number of their inode. */
function facts(root: DirectoryInode): unknown[] {
  const numbers = new Map<Inode, number>();
  return [...walk(root)].map(({ path, inode }) => {
    if (!numbers.has(inode)) numbers.set(inode, numbers.size);
    const { uid, gid, mtimeSeconds } = inode;
    const content = inode.type === "file" ? CONTENTS.indexOf(inode.content) : undefined;
    const target = inode.type === "symlink" ? inode.target : undefined;
    const xattrs = inode.xattrs.map(({ name, value }) => `${name}=${Buffer.from(value).toString("hex")}`);
    return [path, fileMode(inode), uid, gid, mtimeSeconds, xattrs, content, target, numbers.get(inode)];
  });
}

const metadata = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o1777),
  uid: fc.constantFrom(0, 7),
  gid: fc.constantFrom(0, 7),
  mtimeSeconds: fc.constantFrom(0, 1, -5),
  xattrs: fc.constantFrom([], [{ name: "user.x", value: Buffer.from([0, 255]) }]),
});

const inode: fc.Arbitrary<Inode> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...CONTENTS), metadata).map(([each, facts_]) => file(each, facts_)),
  },
  { weight: 2, arbitrary: metadata.map((each) => directory(each)) },
  fc.tuple(fc.constantFrom("a", "../b"), metadata).map(([target, each]) => symlink(target, each)),
  metadata.map((each): Inode => ({ ...each, type: "fifo" })),
  metadata.map((each): Inode => ({ ...each, type: "character", major: each.uid, minor: 3 })),
);
const path = fc
  .array(fc.constantFrom("a", "b", "c", "\xff\n", "-x", "a.b"), { minLength: 1, maxLength: 3 })
  .map((names) => names.join("/"));

type Step = readonly ["put", string, Inode] | readonly ["link", string, string] | readonly ["remove", string];
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant("put" as const), path, inode) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("link" as const), path, path) },
  fc.tuple(fc.constant("remove" as const), path),
);

/** Steps that are not possible do nothing. */
function perform(root: DirectoryInode, steps: readonly Step[]): DirectoryInode {
  for (const [what, at, other] of steps) {
    try {
      const names = at.split("/");
      const name = names.pop() as string;
      if (what === "remove") ensureDirectory(root, names.join("/")).entries.delete(name);
      else if (what === "put") place(root, at, other.type === "directory" ? directory(other) : { ...other });
      else {
        const target = [...walk(root)].find((each) => each.path === other)?.inode;
        if (target !== undefined && target.type !== "directory") place(root, at, target);
      }
    } catch {
      // A file is in the way.
    }
  }
  return root;
}

describe("diffTrees", () => {
  it("gives a layer that makes the one tree of the other", () => {
    fc.assert(
      fc.property(
        metadata,
        fc.array(step, { maxLength: 12 }),
        fc.array(step, { maxLength: 8 }),
        fc.boolean(),
        (rootMetadata, first, second, isFresh) => {
          const before = (): DirectoryInode => perform(directory(), first);
          const base = before();
          // Either a change of the same tree, which shares inodes with it, or a tree of its own.
          const after = perform(isFresh ? before() : copyDirectories(base), second);
          const changed = { ...after, ...rootMetadata };
          const entries = diffTrees(base, changed);
          expect(facts(applyLayer(copyDirectories(base), entries))).toEqual(facts(changed));
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it("says nothing about what is the same", () => {
    const root = perform(directory(), [
      ["put", "a/b", file(CONTENTS[1] as Content)],
      ["link", "c", "a/b"],
    ]);
    expect(diffTrees(root, copyDirectories(root))).toEqual([]);
  });

  it("hides only the topmost of what went, and nothing that something else has replaced", () => {
    const before = perform(directory(), [
      ["put", "gone/deep/x", file(EMPTY_CONTENT)],
      ["put", "replaced/y", file(EMPTY_CONTENT)],
      ["put", "-x", file(EMPTY_CONTENT)],
    ]);
    const after = perform(directory(), [["put", "replaced", file(EMPTY_CONTENT)]]);
    expect(diffTrees(before, after).map((entry) => entry.path)).toEqual([".wh.-x", ".wh.gone", "replaced"]);
  });

  it("writes a file with all its names when one of them is new", () => {
    const before = perform(directory(), [
      ["put", "b", file(CONTENTS[1] as Content)],
      ["link", "c", "b"],
    ]);
    const after = perform(copyDirectories(before), [["link", "a", "b"]]);
    expect(shown(diffTrees(before, after))).toEqual(["a file", "b hardlink a", "c hardlink a"]);
  });

  it("parts hard links that were parted", () => {
    const one = file(CONTENTS[1] as Content);
    const before = directory({}, [["a", one], ["b", one]]); // prettier-ignore
    const after = directory({}, [["a", one], ["b", { ...one }]]); // prettier-ignore
    expect(shown(diffTrees(before, after))).toEqual(["b file"]);
  });

  it("refuses names that a layer takes for deleted files", () => {
    const after = directory({}, [["x", directory({}, [[".wh.y", file(EMPTY_CONTENT)]])]]);
    expect(() => diffTrees(directory(), after)).toThrow('"x/.wh.y"');
  });
});

function shown(entries: readonly LayerEntry[]): string[] {
  return entries.map(({ path: at, type, target }) => [at, type, target].filter((text) => text !== "").join(" "));
}
