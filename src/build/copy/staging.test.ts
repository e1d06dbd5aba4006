import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { treeTarget } from "../../../test/support/copy-target.ts";
import { contentOf } from "../../base/io/index.ts";
import {
  baseName,
  parentOf,
  applyLayer,
  directory,
  type DirectoryInode,
  file,
  type Inode,
  symlink,
  walk,
} from "../../tree/index.ts";
import { Staging } from "./staging.ts";
import { resolvePath } from "../resolve-path.ts";

const OPTIONS = { owner: { uid: 0, gid: 0 }, follow: true };
const empty = (): Inode => file(contentOf(new Uint8Array(0)));

/** What a real file system would do, on a tree: directories made, links followed, whatever is in the way replaced. */
class Reference {
  readonly root: DirectoryInode;

  constructor(root: DirectoryInode) {
    this.root = root;
  }

  async put(path: string, inode: Inode): Promise<boolean> {
    const parent = await this.#directory(parentOf(path));
    if (parent === undefined) return false;
    const there = parent.entries.get(baseName(path));
    if (inode.type === "directory" && there?.type === "directory")
      parent.entries.set(baseName(path), { ...inode, entries: there.entries });
    else parent.entries.set(baseName(path), inode);
    return true;
  }

  async #directory(path: string): Promise<DirectoryInode | undefined> {
    const look = async (at: string): Promise<Inode | undefined> => {
      let inode: Inode | undefined = this.root;
      for (const name of at.split("/").filter((each) => each !== ""))
        inode = inode?.type === "directory" ? inode.entries.get(name) : undefined;
      return inode;
    };
    let resolved;
    try {
      resolved = await resolvePath(look, path);
    } catch {
      return undefined;
    }
    let current = this.root;
    for (const name of resolved.path.split("/").filter((each) => each !== "")) {
      const next: Inode = current.entries.get(name) ?? directory();
      if (next.type !== "directory") return undefined;
      current.entries.set(name, next);
      current = next;
    }
    return current;
  }
}

const facts = (root: DirectoryInode): string[] =>
  [...walk(root)].slice(1).map(({ path, inode }) => `${path} ${inode.type} ${inode.mode}`);

describe("Staging", () => {
  it("makes the layer that turns the target into what a file system would be", async () => {
    const name = fc.constantFrom("a", "b");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
    const target = fc.tuple(fc.boolean(), path).map(([absolute, to]) => (absolute ? `/${to}` : to));
    const mode = fc.constantFrom(0o700, 0o711);
    const inode = fc.oneof(
      mode.map(
        (bits): (() => Inode) =>
          () =>
            file(contentOf(new Uint8Array(0)), { mode: bits }),
      ),
      mode.map(
        (bits): (() => Inode) =>
          () =>
            directory({ mode: bits }),
      ),
      target.map(
        (to): (() => Inode) =>
          () =>
            symlink(to),
      ),
    );
    const puts = fc.array(fc.tuple(path, inode), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(puts, puts, async (before, puttings) => {
        const make = async (): Promise<Reference> => {
          const made = new Reference(directory());
          for (const [at, each] of before) await made.put(at, each());
          return made;
        };
        const [reference, { root: lower }] = [await make(), await make()];
        const staging = new Staging(treeTarget(lower), OPTIONS);
        for (const [at, each] of puttings) {
          const directoryOf = await staging.directory(parentOf(at)).catch(() => undefined);
          const done = await reference.put(at, each());
          expect(directoryOf !== undefined).toBe(done);
          // What was made on the way to something in the way stays, there and here.
          if (directoryOf === undefined) return;
          await staging.put(directoryOf, baseName(at), each());
        }
        expect(facts(applyLayer(lower, staging.entries()))).toEqual(facts(reference.root));
      }),
      { seed: 9, numRuns: 400 },
    );
  });

  it("hides what the target has below a directory that replaces a link", async () => {
    const onto = directory({}, [
      ["real", directory({}, [["in", directory({}, [["x", empty()]])]])],
      ["l", symlink("real")],
    ]);
    const staging = new Staging(treeTarget(onto), OPTIONS);
    expect(await staging.directory("l/in")).toBe("real/in");
    await staging.put("", "l", directory());
    expect(await staging.directory("l/in")).toBe("l/in");
    expect(staging.entries().map(({ path }) => path)).toEqual(["l", "l/in"]);
  });
});
