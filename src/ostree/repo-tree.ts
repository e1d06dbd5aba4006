// A bare repository as a Tree (docs/formats/ostree.md; test/vectors/bootc/install): content objects are the very
// inodes that deployments link to, with their real owner, mode and xattrs; metadata objects are 0644, root's.
import { type ByteString, utf8, utf8ToByteString } from "../base/bytes/index.ts";
import { contentOf, EMPTY_CONTENT } from "../base/io/index.ts";
import { formatKeyfile } from "../formats/ini/index.ts";
import { directory, type DirectoryInode, ensureDirectory, file, place } from "../tree/index.ts";
import type { ObjectSet } from "./object-set.ts";
import { assertRefName } from "./ref-name.ts";

/** Groups of `config`, in the order in which they are written. */
export type RepoConfig = Readonly<Record<string, Readonly<Record<string, string>>>>;

const CORE: RepoConfig = { core: { repo_version: "1", mode: "bare" } };

/** The repository as a directory (what stands at /ostree/repo). `refs` maps names under refs/heads to commits. */
export function writeRepoTree(
  objects: ObjectSet,
  refs: ReadonlyMap<string, string>,
  config: RepoConfig = {},
): DirectoryInode {
  const root = directory();
  root.entries.set(".lock", file(EMPTY_CONTENT, { mode: 0o640 }));
  root.entries.set(
    "config",
    file(
      contentOf(
        utf8(
          formatKeyfile(Object.entries({ ...CORE, ...config }).map(([group, keys]) => [group, Object.entries(keys)])),
        ),
      ),
    ),
  );
  for (const path of ["extensions", "state", "tmp/cache", "refs/heads", "refs/mirrors", "refs/remotes"])
    ensureDirectory(root, path);
  root.entries.set("objects", objectFolders(objects));
  for (const [name, checksum] of refs) {
    place(root, utf8ToByteString(`refs/heads/${assertRefName(name)}`), file(contentOf(utf8(`${checksum}\n`))));
  }
  return root;
}

function objectFolders(objects: ObjectSet): DirectoryInode {
  const folders = new Map<ByteString, DirectoryInode>();
  for (const [checksum, object] of objects) {
    const prefix = checksum.slice(0, 2);
    let folder = folders.get(prefix);
    if (folder === undefined) {
      folder = directory();
      folders.set(prefix, folder);
    }
    folder.entries.set(
      `${checksum.slice(2)}.${object.kind}`,
      object.kind === "file" ? object.inode : file(contentOf(object.bytes)),
    );
  }
  return directory({}, folders);
}
