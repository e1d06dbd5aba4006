import { describe, expect, it } from "vitest";
import { contentBytes, contentOf, EMPTY_CONTENT } from "../base/io/index.ts";
import { directory, type DirectoryInode, file, lookup, place, symlink, walk } from "../tree/index.ts";
import { treeOfCommit } from "./checkout.ts";
import { commitTree } from "./commit-tree.ts";
import { ObjectSet } from "./object-set.ts";
import { writeRepoTree } from "./repo-tree.ts";

function sample(): DirectoryInode {
  const root = directory({ mode: 0o751, uid: 1 });
  place(root, "usr/a", file(contentOf(Buffer.from("same")), { mtimeSeconds: 99, mode: 0o4755 }));
  place(root, "usr/b", file(contentOf(Buffer.from("same")), { mtimeSeconds: 11, mode: 0o4755 }));
  place(root, "empty", file(EMPTY_CONTENT));
  place(root, "link", symlink("usr/a", { mode: 0o644, mtimeSeconds: 5 }));
  return root;
}

const text = async (root: DirectoryInode, path: string): Promise<string> => {
  const inode = lookup(root, path);
  if (inode?.type !== "file") throw new Error(`no file ${path}`);
  return Buffer.from(await contentBytes(inode.content, 1000)).toString();
};

describe("a commit", () => {
  it("has one object for equal files, and a checkout that shares its inodes", async () => {
    const objects = new ObjectSet();
    const { checksum, tree } = await commitTree(objects, sample(), { timestampSeconds: 7, subject: "s", body: "b" });
    expect([...walk(tree)].length).toBe(6);
    const again = treeOfCommit(objects, checksum);
    for (const root of [tree, again]) {
      expect(lookup(root, "usr/a")).toBe(lookup(root, "usr/b"));
      expect(lookup(root, "usr/a")).toMatchObject({ mtimeSeconds: 0, mode: 0o4755 });
      expect(lookup(root, "link")).toMatchObject({ mode: 0o777, mtimeSeconds: 0 });
      expect(root).toMatchObject({ mode: 0o751, uid: 1, mtimeSeconds: 0 });
    }
    expect(lookup(tree, "usr/a")).toBe(lookup(again, "usr/a"));
    expect(lookup(tree, "empty")).not.toBe(lookup(again, "empty"));
    expect(await commitTree(new ObjectSet(), again, { timestampSeconds: 7, subject: "s", body: "b" })).toMatchObject({
      checksum,
    });
  });

  it.each(["character", "block", "fifo", "socket"] as const)("refuses a %s, by its path", async (type) => {
    const root = directory();
    const special = { mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [], major: 1, minor: 3 };
    place(root, "dev/null", type === "character" || type === "block" ? { ...special, type } : { ...special, type });
    await expect(commitTree(new ObjectSet(), root, { timestampSeconds: 0 })).rejects.toThrow(
      /cannot store "\/dev\/null" in ostree/,
    );
  });

  it("refuses names that are not UTF-8, by their path", async () => {
    const root = directory();
    place(root, "usr/\xff", file(EMPTY_CONTENT));
    await expect(commitTree(new ObjectSet(), root, { timestampSeconds: 0 })).rejects.toThrow(/"\/usr".*\\xff/);
  });
});

describe("a repository", () => {
  it("is laid out as ostree does it", async () => {
    const objects = new ObjectSet();
    const { checksum, tree } = await commitTree(objects, sample(), { timestampSeconds: 7 });
    const repo = writeRepoTree(objects, new Map([["a/b", checksum]]), {
      sysroot: { bootloader: "none", readonly: "true" },
    });
    expect([...walk(repo)].map(({ path }) => path).filter((path) => !path.startsWith("objects/"))).toEqual(
      [
        "",
        ".lock",
        "config",
        "extensions",
        "objects",
        "refs",
        "refs/heads",
        "refs/heads/a",
        "refs/heads/a/b",
        "refs/mirrors",
      ].concat(["refs/remotes", "state", "tmp", "tmp/cache"]),
    );
    expect(await text(repo, "config")).toBe(
      "[core]\nrepo_version=1\nmode=bare\n\n[sysroot]\nbootloader=none\nreadonly=true\n",
    );
    expect(await text(repo, "refs/heads/a/b")).toBe(`${checksum}\n`);
    expect(lookup(repo, ".lock")?.mode).toBe(0o640);
    const stored = [...objects].map(([name, { kind }]) =>
      lookup(repo, `objects/${name.slice(0, 2)}/${name.slice(2)}.${kind}`),
    );
    expect(stored).not.toContain(undefined);
    expect(stored).toContain(lookup(tree, "usr/a"));
    expect(stored).toContain(lookup(tree, "link"));
    expect(stored).not.toContain(lookup(tree, "empty"));
  });

  it("refuses refs that leave it", () => {
    expect(() => writeRepoTree(new ObjectSet(), new Map([["../x", "0".repeat(64)]]))).toThrow(/ostree ref/);
  });

  it("says which object is missing", () => {
    expect(() => treeOfCommit(new ObjectSet(), "ab".repeat(32))).toThrow(/cannot find commit object abab/);
  });
});
