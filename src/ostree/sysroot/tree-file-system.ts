// The sysroot of a disk that does not exist yet: every operation edits a Tree.
import { type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { contentOf } from "../../base/io/index.ts";
import {
  directory,
  type DirectoryInode,
  ensureDirectory,
  file,
  type Inode,
  lookup,
  type Metadata,
  place,
  symlink,
  TreeError,
} from "../../tree/index.ts";
import type { SysrootFileSystem } from "./file-system.ts";

export class TreeFileSystem implements SysrootFileSystem {
  readonly root: DirectoryInode;
  readonly #made: Partial<Metadata>;

  /**
   * `mtimeSeconds` stamps what is made here, and is at least 1: libostree (2022.7 to 2026.4) takes an `ostree/deploy` of
   * time 0 for one that it has loaded already, and then aborts.
   */
  constructor(root: DirectoryInode, mtimeSeconds: number) {
    this.root = root;
    this.#made = { mtimeSeconds: Math.max(1, mtimeSeconds) };
  }

  async exists(path: string): Promise<boolean> {
    return lookup(this.root, utf8ToByteString(path)) !== undefined;
  }

  async makeDirectory(path: string, mode = 0o755): Promise<void> {
    const name = utf8ToByteString(path);
    if (lookup(this.root, name) === undefined) this.#place(name, directory({ ...this.#made, mode }));
    else ensureDirectory(this.root, name);
  }

  async writeFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
    this.#place(utf8ToByteString(path), file(contentOf(bytes), { ...this.#made, mode }));
  }

  async makeSymlink(path: string, target: string): Promise<void> {
    this.#place(utf8ToByteString(path), symlink(utf8ToByteString(target), this.#made));
  }

  async link(from: string, to: string): Promise<void> {
    this.#place(utf8ToByteString(to), this.#get(from));
  }

  async placeTree(path: string, tree: DirectoryInode, files: "link" | "copy"): Promise<void> {
    this.#place(utf8ToByteString(path), cloneDirectory(tree, files));
  }

  async makeImmutable(path: string): Promise<void> {
    const inode = this.#get(path);
    this.#place(utf8ToByteString(path), { ...inode, immutable: true });
  }

  #place(path: ByteString, inode: Inode): void {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    ensureDirectory(this.root, parent, this.#made);
    place(this.root, path, inode);
  }

  #get(path: string): Inode {
    const inode = lookup(this.root, utf8ToByteString(path));
    if (inode === undefined) throw new TreeError("NOT_FOUND", `cannot find "${path}" in the sysroot`);
    return inode;
  }
}

function cloneDirectory(source: DirectoryInode, files: "link" | "copy"): DirectoryInode {
  const entries = new Map<ByteString, Inode>();
  for (const [name, inode] of source.entries) entries.set(name, clone(inode, files));
  return { ...source, mtimeSeconds: 0, entries };
}

function clone(inode: Inode, files: "link" | "copy"): Inode {
  if (inode.type === "directory") return cloneDirectory(inode, files);
  const empty = inode.type === "file" && inode.content.sizeBytes === 0;
  return files === "link" && !empty ? inode : { ...inode, mtimeSeconds: 0 };
}
