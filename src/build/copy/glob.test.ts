import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf } from "../../base/io/index.ts";
import { directory, type DirectoryInode, file, type Inode, symlink, walk } from "../../tree/index.ts";
import { expandGlob } from "./glob.ts";
import { rootContext } from "./root-context.ts";

const expand = async (root: DirectoryInode, pattern: string): Promise<string[]> =>
  await expandGlob(rootContext({ tree: () => Promise.resolve(root) }), pattern);

const empty = (): Inode => file(contentOf(new Uint8Array(0)));

/** The plain definition: every path of the tree against a regular expression. Without links. */
function reference(root: DirectoryInode, pattern: string): string[] {
  const names = pattern.split("/").filter((name) => name !== "");
  const matches = (path: readonly string[], at: number, from: number): boolean => {
    if (at === names.length) return from === path.length;
    if (names[at] === "**")
      return [...path.keys(), path.length]
        .filter((to) => to >= from)
        .some((to) => isDirectory(path.slice(0, to)) && matches(path, at + 1, to));
    const name = path[from];
    return name !== undefined && expression(names[at] as string).test(name) && matches(path, at + 1, from + 1);
  };
  const isDirectory = (path: readonly string[]): boolean =>
    [...walk(root)].some((each) => each.path === path.join("/") && each.inode.type === "directory");
  return [...walk(root)]
    .map(({ path }) => path)
    .filter((path) => matches(path === "" ? [] : path.split("/"), 0, 0))
    .sort();
}

function expression(name: string): RegExp {
  return new RegExp(`^${name.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}

describe("expandGlob", () => {
  it("finds exactly the paths that match, sorted", async () => {
    const name = fc.constantFrom("a", "b", "ab", "a.b", "ba");
    const { tree } = fc.letrec<{ tree: DirectoryInode }>((tie) => ({
      tree: fc
        .uniqueArray(fc.tuple(name, fc.oneof({ depthSize: "small" }, fc.constant(0), tie("tree"))), {
          selector: ([key]) => key,
          maxLength: 4,
        })
        .map((entries) =>
          directory(
            {},
            entries.map(([key, below]) => [key, below === 0 ? empty() : below] as const),
          ),
        ),
    }));
    const part = fc.constantFrom("a", "b", "*", "**", "a*", "*b", "?", "a?", "*.b", "[ab]", "[^a]*");
    const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    await fc.assert(
      fc.asyncProperty(tree, pattern, async (root, text) => {
        expect(await expand(root, text)).toEqual(reference(root, text));
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("goes through links that a pattern names, not through those that ** meets", async () => {
    const root = directory({}, [
      [
        "d",
        directory({}, [
          ["x", empty()],
          ["loop", symlink("/d")],
        ]),
      ],
      ["l", symlink("d")],
    ]);
    expect(await expand(root, "l/*")).toEqual(["l/loop", "l/x"]);
    expect(await expand(root, "l/loop/loop/x")).toEqual(["l/loop/loop/x"]);
    expect(await expand(root, "**/x")).toEqual(["d/x"]);
    expect(await expand(root, "**")).toEqual(["", "d"]);
  });

  it("takes names for bytes, patterns for text", async () => {
    const [umlaut, latin1, newline] = ["\xc3\xbc", "\xfc", "a\nb"];
    const root = directory(
      {},
      [umlaut, latin1, newline, "*"].map((name) => [name, empty()] as const),
    );
    expect(await expand(root, "ü")).toEqual([umlaut]);
    expect(await expand(root, "?")).toEqual(["*", umlaut, latin1].sort());
    expect(await expand(root, "a?b")).toEqual([newline]);
    expect(await expand(root, "\\*")).toEqual(["*"]);
    expect(await expand(root, "[*]")).toEqual(["*"]);
  });

  it("knows the root, and nothing above it", async () => {
    const root = directory({}, [["a", empty()]]);
    expect(await expand(root, ".")).toEqual([""]);
    expect(await expand(root, "/")).toEqual([""]);
    expect(await expand(root, "../../a")).toEqual(["a"]);
    expect(await expand(root, "a/b")).toEqual([]);
    expect(await expand(root, "b/../a")).toEqual(["a"]);
  });
});
