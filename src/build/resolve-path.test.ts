import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { directory, type DirectoryInode, type Inode, lookup, resolve, symlink } from "../tree/index.ts";
import { resolvePath } from "./resolve-path.ts";

const look =
  (root: DirectoryInode) =>
  (path: string): Promise<Inode | undefined> =>
    Promise.resolve(lookup(root, path));

describe("resolvePath", () => {
  it("finds what the tree's own lookup finds, at the path that it says", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const path = fc.array(fc.constantFrom("a", "b", "c", "..", "."), { minLength: 1, maxLength: 5 });
    const target = fc.tuple(fc.boolean(), path).map(([absolute, names]) => `${absolute ? "/" : ""}${names.join("/")}`);
    const { tree } = fc.letrec<{ tree: DirectoryInode }>((tie) => ({
      tree: fc
        .uniqueArray(
          fc.tuple(
            name,
            fc.oneof(
              { depthSize: "small" },
              target.map((to) => symlink(to)),
              tie("tree"),
            ),
          ),
          {
            selector: ([key]) => key,
            maxLength: 3,
          },
        )
        .map((entries) => directory({}, entries as [string, Inode][])),
    }));
    await fc.assert(
      fc.asyncProperty(tree, path, async (root, names) => {
        const asked = names.join("/");
        const found = await resolvePath(look(root), asked).catch((error: unknown) => {
          expect(error).toMatchObject({ code: "BAD_VALUE" });
          return undefined;
        });
        const wanted = resolve(root, asked);
        // Through what is missing, ".." still has a meaning here: a path that is going to be made.
        if (wanted !== undefined) expect(found?.node).toBe(wanted);
        if (found?.node !== undefined) expect(lookup(root, found.path)).toBe(found.node);
        expect(found?.path.split("/") ?? []).not.toContain("..");
      }),
      { seed: 7, numRuns: 400 },
    );
  });

  it("stops at loops and at the root, keeps what is missing", async () => {
    const root = directory({}, [
      ["loop", symlink("loop")],
      ["up", symlink("../../../x")],
      ["gone", symlink("/not/there")],
    ]);
    await expect(resolvePath(look(root), "loop")).rejects.toThrow(/too many levels/);
    expect(await resolvePath(look(root), "up/y")).toEqual({ path: "x/y", node: undefined });
    expect(await resolvePath(look(root), "gone")).toEqual({ path: "not/there", node: undefined });
    expect((await resolvePath(look(root), "gone", false)).node?.type).toBe("symlink");
    expect((await resolvePath(look(root), "../..")).node).toBe(root);
  });
});
