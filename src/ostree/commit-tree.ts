// Tree → commit (docs/formats/ostree.md): every name gets the object of its content; mtimes and hard-link relations are
// dropped. Only regular files, symbolic links and directories can be stored: others are an error that names the path.
import { type ByteString, printable } from "../base/bytes/index.ts";
import type { Variant } from "../formats/gvariant/index.ts";
import { encodeCommit, encodeDirmeta, encodeDirtree, OstreeFormatError } from "../formats/ostree/index.ts";
import { type DirectoryInode, type FileInode, type Inode, sortedEntries } from "../tree/index.ts";
import { checkoutDirectory, checkoutInode } from "./checkout.ts";
import { OstreeError } from "./errors.ts";
import { checksumBuffer, fileChecksum, type ObjectSet } from "./object-set.ts";

export interface CommitOptions {
  /** In the order in which it is stored: the order is part of the checksum. */
  readonly metadata?: readonly (readonly [string, Variant])[];
  readonly subject?: string;
  readonly body?: string;
  readonly timestampSeconds: number;
  readonly parent?: string | undefined;
  /** Shared by several commits whose trees have directories in common, none of which changes in between. */
  readonly cache?: StoredDirectories;
}

export type StoredDirectories = Map<DirectoryInode, StoredDirectory>;

export interface StoredCommit {
  readonly checksum: string;
  /** What was stored, as `treeOfCommit` would give it: its files are the objects' inodes. */
  readonly tree: DirectoryInode;
}

/**
 * Stores a tree and a commit of it. Content is read only where `ostreeChecksum` is unknown.
 * Throws UNSUPPORTED_FILE for device nodes, FIFOs, sockets, and names, links and xattrs that ostree cannot hold.
 */
export async function commitTree(
  objects: ObjectSet,
  root: DirectoryInode,
  options: CommitOptions,
): Promise<StoredCommit> {
  const { dirtree, dirmeta, tree } = await storeTree(objects, root, options.cache);
  const checksum = objects.addMetadata(
    "commit",
    encodeCommit({
      metadata: options.metadata ?? [],
      parent: options.parent,
      subject: options.subject ?? "",
      body: options.body ?? "",
      timestampSeconds: options.timestampSeconds,
      rootDirtree: dirtree,
      rootDirmeta: dirmeta,
    }),
  );
  return { checksum, tree };
}

export interface StoredDirectory {
  readonly dirtree: string;
  readonly dirmeta: string;
  readonly tree: DirectoryInode;
}

/** Stores a tree without a commit. */
export async function storeTree(
  objects: ObjectSet,
  root: DirectoryInode,
  cache: StoredDirectories = new Map(),
): Promise<StoredDirectory> {
  const unknown = new Map<FileInode, string>();
  collectUnknown(root, cache, unknown);
  const buffer = unknown.size > 0 ? checksumBuffer() : undefined;
  for (const inode of unknown.keys()) unknown.set(inode, await fileChecksum(inode, buffer));
  return new TreeWriter(objects, cache, unknown).write(root, "");
}

/** The files whose checksum must be computed from their content. */
function collectUnknown(directory: DirectoryInode, cache: StoredDirectories, into: Map<FileInode, string>): void {
  if (cache.has(directory)) return;
  for (const inode of directory.entries.values()) {
    if (inode.type === "directory") collectUnknown(inode, cache, into);
    else if (inode.type === "file" && inode.ostreeChecksum === undefined) into.set(inode, "");
  }
}

class TreeWriter {
  readonly #objects: ObjectSet;
  readonly #cache: StoredDirectories;
  readonly #computed: ReadonlyMap<FileInode, string>;
  readonly #dirmetas = new Map<string, string>();

  constructor(objects: ObjectSet, cache: StoredDirectories, computed: ReadonlyMap<FileInode, string>) {
    this.#objects = objects;
    this.#cache = cache;
    this.#computed = computed;
  }

  write(directory: DirectoryInode, path: ByteString): StoredDirectory {
    let stored = this.#cache.get(directory);
    if (stored === undefined) {
      stored = this.#writeDirectory(directory, path);
      this.#cache.set(directory, stored);
    }
    return stored;
  }

  #writeDirectory(directory: DirectoryInode, path: ByteString): StoredDirectory {
    const files: { name: ByteString; checksum: string }[] = [];
    const directories: { name: ByteString; dirtree: string; dirmeta: string }[] = [];
    const stored: [ByteString, Inode][] = [];
    for (const [name, inode] of sortedEntries(directory)) {
      if (inode.type === "directory") {
        const { dirtree, dirmeta, tree } = this.write(inode, `${path}/${name}`);
        directories.push({ name, dirtree, dirmeta });
        stored.push([name, tree]);
      } else {
        const checksum = this.#writeFile(inode, `${path}/${name}`);
        files.push({ name, checksum });
        stored.push([name, checkoutInode(this.#objects, checksum)]);
      }
    }
    return this.#at(path, () => ({
      dirtree: this.#objects.addMetadata("dirtree", encodeDirtree({ files, directories })),
      dirmeta: this.#writeDirmeta(directory),
      tree: checkoutDirectory(directory, stored),
    }));
  }

  #writeFile(inode: Inode, path: ByteString): string {
    if (inode.type === "symlink") return this.#at(path, () => this.#objects.addSymlink(inode));
    if (inode.type !== "file") throw unsupportedFile(path, inode.type);
    const checksum = inode.ostreeChecksum ?? this.#computed.get(inode) ?? "";
    this.#objects.addFile(inode, checksum);
    return checksum;
  }

  #writeDirmeta(directory: DirectoryInode): string {
    if (directory.xattrs.length > 0) return this.#objects.addMetadata("dirmeta", encodeDirmeta(directory));
    // Images have thousands of directories and a handful of owners and modes.
    const key = `${directory.uid}:${directory.gid}:${directory.mode}`;
    let checksum = this.#dirmetas.get(key);
    if (checksum === undefined) {
      checksum = this.#objects.addMetadata("dirmeta", encodeDirmeta(directory));
      this.#dirmetas.set(key, checksum);
    }
    return checksum;
  }

  /** Adds the path to what the format refuses. */
  #at<T>(path: ByteString, store: () => T): T {
    try {
      return store();
    } catch (error) {
      if (!(error instanceof OstreeFormatError)) throw error;
      throw new OstreeError(
        "UNSUPPORTED_FILE",
        `cannot store "${printable(path === "" ? "/" : path)}" in ostree: ${error.message}`,
        {
          cause: error,
          data: { path: printable(path) },
        },
      );
    }
  }
}

const KINDS: Readonly<Record<string, string>> = {
  character: "character device",
  block: "block device",
  fifo: "FIFO",
  socket: "socket",
};

export function unsupportedFile(path: ByteString, type: string): OstreeError {
  const shown = printable(path.startsWith("/") ? path : `/${path}`);
  return new OstreeError(
    "UNSUPPORTED_FILE",
    `cannot store "${shown}" in ostree: it is a ${KINDS[type] ?? type}, want only regular files, symbolic links and directories`,
    { hint: "Remove it in the image; systemd-tmpfiles can make it at boot", data: { path: shown } },
  );
}
