// commit → Tree (docs/formats/ostree.md): files are the object's own Inode, so that every name is a hard link to
// the object; empty files are always fresh copies, as libostree makes them; every mtime is 0.
import type { ByteString } from "../base/bytes/index.ts";
import {
  type Commit,
  decodeCommit,
  decodeDirmeta,
  decodeDirtree,
  type ObjectMetadata,
} from "../formats/ostree/index.ts";
import { directory, type DirectoryInode, type FileInode, type Inode, type SymlinkInode } from "../tree/index.ts";
import { OstreeError } from "./errors.ts";
import type { ObjectSet } from "./object-set.ts";

/** Names below names: a Linux path of 4,096 bytes has at most half as many. */
const MAX_DEPTH = 2048;
/** Directories shared by many parents could make a small repository describe an endless tree. */
const MAX_ENTRIES = 2_000_000;

/** Throws MISSING_OBJECT, or OstreeFormatError when the object is not a commit. */
export function readCommit(objects: ObjectSet, checksum: string): Commit {
  return decodeCommit(objects.metadata("commit", checksum));
}

/** The tree of a commit. Throws MISSING_OBJECT when an object is absent, LIMIT for absurd trees. */
export function treeOfCommit(objects: ObjectSet, checksum: string): DirectoryInode {
  const commit = readCommit(objects, checksum);
  return new TreeReader(objects).read(commit.rootDirtree, commit.rootDirmeta, 0);
}

/** The inode that a name of this object gets: the object's own, or a fresh one when it is empty. */
export function checkoutInode(objects: ObjectSet, checksum: string): FileInode | SymlinkInode {
  const inode = objects.content(checksum);
  return inode.type === "file" && inode.content.sizeBytes === 0 ? { ...inode } : inode;
}

export function checkoutDirectory(
  { mode, uid, gid, xattrs }: ObjectMetadata,
  entries: Iterable<[ByteString, Inode]>,
): DirectoryInode {
  return directory({ mode, uid, gid, xattrs }, entries);
}

class TreeReader {
  readonly #objects: ObjectSet;
  readonly #dirmetas = new Map<string, ObjectMetadata>();
  #entries = 0;

  constructor(objects: ObjectSet) {
    this.#objects = objects;
  }

  read(dirtree: string, dirmeta: string, depth: number): DirectoryInode {
    if (depth > MAX_DEPTH) throw new OstreeError("LIMIT", `cannot read a tree deeper than ${MAX_DEPTH} directories`);
    const { files, directories } = decodeDirtree(this.#objects.metadata("dirtree", dirtree));
    this.#entries += files.length + directories.length;
    if (this.#entries > MAX_ENTRIES)
      throw new OstreeError("LIMIT", `cannot read a tree of more than ${MAX_ENTRIES} entries`);
    const entries: [ByteString, Inode][] = [];
    for (const { name, checksum } of files) entries.push([name, checkoutInode(this.#objects, checksum)]);
    for (const child of directories) entries.push([child.name, this.read(child.dirtree, child.dirmeta, depth + 1)]);
    return checkoutDirectory(this.#metadata(dirmeta), entries);
  }

  #metadata(dirmeta: string): ObjectMetadata {
    let metadata = this.#dirmetas.get(dirmeta);
    if (metadata === undefined) {
      metadata = decodeDirmeta(this.#objects.metadata("dirmeta", dirmeta));
      this.#dirmetas.set(dirmeta, metadata);
    }
    return metadata;
  }
}
