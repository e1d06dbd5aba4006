/** Our ostree judged by Debian's: repositories that it checks and lists, and tars that it commits alike. */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { contentBytes, contentOf, EMPTY_CONTENT } from "../../src/base/io/index.ts";
import { layoutExt4 } from "../../src/formats/ext4/index.ts";
import {
  commitTree,
  type ImportedImage,
  importImage,
  ObjectSet,
  OstreeError,
  writeRepoTree,
} from "../../src/ostree/index.ts";
import { Labeller, loadLabeller } from "../../src/ostree/selinux/index.ts";
import { LayerTreeBuilder } from "../../src/ostree/import/layer-tree.ts";
import { layerPath } from "../../src/ostree/import/layer-path.ts";
import { directory, type DirectoryInode, file, type LayerEntry, place, symlink, walk } from "../../src/tree/index.ts";
import { mountImage } from "../support/disk.ts";
import { archiveImage, layerInput } from "../support/layer-entries.ts";
import { listTree } from "../support/ostree-ls.ts";
import { tarOf } from "../support/tar-of.ts";
import { asRoot, oracle, run, tempDir, type TempFolder } from "../support/tools.ts";
import { writeContent } from "../support/write-content.ts";

const vector = (path: string): Uint8Array => readFileSync(`test/vectors/${path}`);

async function ordinaryImage(): Promise<ImportedImage> {
  return await importImage({
    manifestBytes: vector("ostree/import/manifest.json"),
    configBytes: vector("ostree/import/config.json"),
    layers: await Promise.all(
      ["l1", "l2", "l3"].map((name) => layerInput(vector(`ostree/import/${name}.tar.gz`), true)),
    ),
    imageReference: "docker://quay.io/vec/oci:1",
  });
}

const derivedImage = async (): Promise<ImportedImage> =>
  await importImage(await archiveImage(vector("bootc/encapsulate/derived.oci.tar"), "oci:/judge/enc/derived"));

async function mountTree(
  folder: TempFolder,
  root: DirectoryInode,
): Promise<AsyncDisposable & { readonly path: string }> {
  const content = layoutExt4(root, {
    sizeBytes: 64 * 2 ** 20,
    uuid: Buffer.from("0123456789abcdef8123456789abcdef", "hex"),
    hashSeed: Buffer.from("fedcba98765443218fedcba987654321", "hex"),
    label: "repo",
    epochSeconds: 1_700_000_000,
  });
  await writeContent(folder.join("image"), content);
  return await mountImage(folder.join("image"), folder);
}

describe("a repository", () => {
  for (const [name, image] of [
    ["of an ordinary image", ordinaryImage],
    ["of an encapsulated, derived one", derivedImage],
  ] as const) {
    oracle(
      [asRoot, "mount", "ostree"],
      `${name} is consistent and lists as we list it`,
      async () => {
        using folder = tempDir();
        const imported = await image();
        const repo = writeRepoTree(imported.objects, imported.refs, {
          sysroot: { bootloader: "none", readonly: "true" },
        });
        await using mount = await mountTree(
          folder,
          directory({}, [
            ["repo", repo],
            ["checkout", imported.tree],
          ]),
        );
        const ostree = async (...args: string[]): Promise<string> =>
          (await run("ostree", [`--repo=${mount.path}/repo`, ...args])).stdout;

        expect(await ostree("fsck", "-a")).toContain("object fsck of");
        const refs = await ostree("refs");
        expect(refs.trim().split("\n").sort()).toEqual([...imported.refs.keys()].sort());
        for (const [ref, checksum] of imported.refs) expect((await ostree("rev-parse", ref)).trim()).toBe(checksum);
        expect(await ostree("ls", "-R", "-C", "-X", imported.mergeCommit)).toBe(
          listTree(imported.objects, imported.mergeCommit),
        );
        expect(await ostree("show", "--raw", imported.mergeCommit)).toContain("'ostree.importer.version': <'0.15.3'>");
        expect(await ostree("config", "get", "sysroot.readonly")).toBe("true\n");
        expectHardLinks(mount.path, imported);

        const real = folder.join("real");
        await ostree("checkout", "--user-mode", imported.mergeCommit, real);
        await run("diff", ["-r", "--no-dereference", "--exclude=.wh.*", real, join(mount.path, "checkout")]);
      },
      { proves: "ostree takes our bare repository for its own" },
    );
  }
});

/** A file of the checkout is its object; an empty one is not. */
function expectHardLinks(path: string, imported: ImportedImage): void {
  for (const [checksum, object] of imported.objects) {
    if (object.kind !== "file" || object.inode.type !== "file") continue;
    const links = statSync(join(path, "repo/objects", checksum.slice(0, 2), `${checksum.slice(2)}.file`)).nlink;
    const names = [...namesOf(imported.tree)].filter((inode) => inode === object.inode).length;
    expect(links).toBe(1 + names);
    if (object.inode.content.sizeBytes === 0) expect(names).toBe(0);
  }
}

function* namesOf(tree: DirectoryInode): Generator<unknown> {
  for (const inode of tree.entries.values()) {
    if (inode.type === "directory") yield* namesOf(inode);
    else yield inode;
  }
}

/** Few names, so that entries meet: replaced files, missing parents, links to and over things. */
const name = fc.constantFrom("a", "b", "c", "\xc3\xbc");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const owner = fc.record({
  uid: fc.constantFrom(0, 7, 70000),
  gid: fc.constantFrom(0, 8),
  mtimeSeconds: fc.constant(0),
});
const xattrs = fc.constantFrom([], [{ name: "user.x", value: Uint8Array.of(0, 255, 10) }]);

const layerEntry: fc.Arbitrary<LayerEntry> = fc
  .record({
    type: fc.constantFrom<LayerEntry["type"][]>("file", "file", "directory", "directory", "symlink", "hardlink"),
    path,
    target: path,
    owner,
    mode: fc.constantFrom(0o644, 0o4755, 0o1700),
    xattrs,
    data: fc.constantFrom("", "x", "yy"),
  })
  .map(({ type, path, target, owner, mode, xattrs, data }) => ({
    ...owner,
    type,
    path,
    target: type === "hardlink" || type === "symlink" ? target : "",
    mode: type === "symlink" ? 0o777 : mode,
    xattrs: type === "hardlink" || type === "symlink" ? [] : xattrs,
    content: type === "file" && data !== "" ? contentOf(Buffer.from(data)) : EMPTY_CONTENT,
    major: 0,
    minor: 0,
  }));

async function ourCommit(entries: readonly LayerEntry[]): Promise<string | undefined> {
  try {
    const builder = new LayerTreeBuilder();
    for (const entry of entries) builder.add({ entry, path: layerPath(entry.path), target: layerPath(entry.target) });
    return (await commitTree(new ObjectSet(), builder.finish(), { timestampSeconds: 5 })).checksum;
  } catch (error) {
    if (error instanceof OstreeError) return undefined;
    throw error;
  }
}

describe("layers", () => {
  oracle(
    "ostree",
    "become the commits that `ostree commit --tree=tar=` makes",
    async () => {
      using folder = tempDir();
      const repo = `--repo=${folder.join("repo")}`;
      await run("ostree", [repo, "init", "--mode=archive"]);
      await run("ostree", [repo, "config", "set", "core.fsync", "false"]);
      const options = ["--tar-autocreate-parents", "--no-bindings", "--orphan", "--timestamp=@5"];
      let equal = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(layerEntry, { maxLength: 12 }), async (entries) => {
          writeFileSync(folder.join("layer.tar"), await tarOf(entries));
          // Refusals exit with 1, some abort.
          const commit = run("ostree", [repo, "commit", ...options, `--tree=tar=${folder.join("layer.tar")}`]);
          const theirs = await commit.then(({ stdout }) => stdout.trim()).catch(() => undefined);
          expect(await ourCommit(entries)).toBe(theirs);
          if (theirs !== undefined) equal += 1;
        }),
        { seed: 42, numRuns: 150, interruptAfterTimeLimit: 20_000 },
      );
      expect(equal).toBeGreaterThan(30);
    },
    { proves: "layer commits are what the importer makes of a tar" },
  );
});

const POLICY = "test/vectors/ostree/selinux";
const LABELLED = [
  "usr/bin/app",
  "usr/bin/app2",
  "usr/bin/ping",
  "usr/sbin/ping",
  "usr/bin/sub/x",
  "usr/share/a.d/10-xx.conf",
  "usr/share/a.d/10-x.conf",
  "usr/lib/modules/6/vmlinuz",
  "usr/lib/x",
  "usr/lib64/deep/y",
  "usr/lib/deep/z",
  "usr/etc/shadow",
  "usr/etc/a.b",
  "usr/etc/aXb",
  "var/run/x",
  "var/nothing/x",
  "var/home/me/file",
  "var/home/root/file",
  "opt/a",
  "opt/c",
  "mnt/d/e",
  "proc/x",
  "top",
  "tmp/f",
];

function labelledTree(): DirectoryInode {
  const root = directory();
  for (const path of LABELLED) place(root, path, file(contentOf(Buffer.from(path))));
  for (const path of ["usr/bin/link", "bin", "var/lock"]) place(root, path, symlink("elsewhere"));
  for (const name of [
    "config",
    "small/contexts/files/file_contexts",
    "small/contexts/files/file_contexts.homedirs",
    "small/contexts/files/file_contexts.subs_dist",
  ]) {
    const bytes = readFileSync(join(POLICY, basename(name)));
    place(root, `usr/etc/selinux/${name}`, file(contentOf(bytes)));
  }
  // libostree wants a policy to take a checksum of.
  place(root, "usr/etc/selinux/small/policy/policy.33", file(contentOf(Buffer.from("policy"))));
  return root;
}

describe("SELinux labels", () => {
  oracle(
    [asRoot, "ostree"],
    "are those of `ostree commit --selinux-policy`",
    async () => {
      using folder = tempDir();
      const tree = labelledTree();
      for (const { path, inode } of walk(tree)) {
        if (inode.type === "directory") mkdirSync(folder.join("root", path), { recursive: true });
        else if (inode.type === "symlink") symlinkSync(inode.target, folder.join("root", path));
        else if (inode.type === "file")
          writeFileSync(folder.join("root", path), await contentBytes(inode.content, 1 << 20));
      }
      await run("chmod", ["-R", "u=rwX,go=rX", folder.join("root")]);
      const repo = `--repo=${folder.join("repo")}`;
      await run("ostree", [repo, "init", "--mode=archive"]);
      const policy = `--selinux-policy=${folder.join("root")}`;
      await run("ostree", [
        repo,
        "commit",
        "-b",
        "x",
        policy,
        "--no-bindings",
        "--timestamp=@5",
        `--tree=dir=${folder.join("root")}`,
      ]);

      const labeller = await loadLabeller(tree);
      expect(labeller).toBeInstanceOf(Labeller);
      const objects = new ObjectSet();
      const { checksum } = await commitTree(objects, labeller?.relabel(tree) ?? tree, { timestampSeconds: 5 });
      expect(listTree(objects, checksum)).toBe((await run("ostree", [repo, "ls", "-R", "-C", "-X", "x"])).stdout);
      expect((await run("ostree", [repo, "rev-parse", "x"])).stdout.trim()).toBe(checksum);
    },
    { proves: "relabelling gives the labels that libselinux looks up" },
  );
});
