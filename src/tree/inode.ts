// The Tree: a file system as data. Every stage (layers, ostree, sysroot, ext4, FAT) speaks it.
// A hard link is one Inode object under several names; a directory's entries are its only owner of names.
import type { ByteString } from "../base/bytes/index.ts";
import type { Content } from "../base/io/index.ts";

/** Extended attribute; the value is raw bytes (a capability, an ACL, an SELinux label with its NUL). */
export interface Xattr {
  readonly name: ByteString;
  readonly value: Uint8Array;
}

export interface Metadata {
  /** Permission bits only: 0…0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, may be negative. */
  readonly mtimeSeconds: number;
  /** Sorted by name, names unique. */
  readonly xattrs: readonly Xattr[];
  /** chattr +i, as ostree sets on a deployment's root. */
  readonly immutable?: boolean;
}

export interface FileInode extends Metadata {
  readonly type: "file";
  readonly content: Content;
  /**
   * ostree checksum (64 hex) of this file when it is already known for exactly this mode, owner, xattrs and content:
   * computed once while the layer streamed by. Drop it when you change any of those.
   */
  readonly ostreeChecksum?: string;
}

export interface SymlinkInode extends Metadata {
  readonly type: "symlink";
  readonly target: ByteString;
}

export interface DirectoryInode extends Metadata {
  readonly type: "directory";
  /** Name → inode, in any order; iterate with `sortedEntries`. */
  readonly entries: Map<ByteString, Inode>;
}

export interface DeviceInode extends Metadata {
  readonly type: "character" | "block";
  readonly major: number;
  readonly minor: number;
}

export interface SpecialInode extends Metadata {
  readonly type: "fifo" | "socket";
}

export type Inode = FileInode | SymlinkInode | DirectoryInode | DeviceInode | SpecialInode;

const DEFAULTS: Metadata = { mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [] };

/** A directory with mode 0755, root's, no xattrs, unless told otherwise. */
export function directory(
  metadata: Partial<Metadata> = {},
  entries: Iterable<readonly [ByteString, Inode]> = [],
): DirectoryInode {
  return { ...DEFAULTS, mode: 0o755, ...metadata, type: "directory", entries: new Map(entries) };
}

/** A regular file with mode 0644, root's, unless told otherwise. */
export function file(content: Content, metadata: Partial<Metadata> = {}): FileInode {
  return { ...DEFAULTS, mode: 0o644, ...metadata, type: "file", content };
}

/** A symbolic link, mode 0777 as the kernel shows it. */
export function symlink(target: ByteString, metadata: Partial<Metadata> = {}): SymlinkInode {
  return { ...DEFAULTS, mode: 0o777, ...metadata, type: "symlink", target };
}

/** Entries in bytewise order of their names. */
export function sortedEntries(inode: DirectoryInode): [ByteString, Inode][] {
  return [...inode.entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A tree with directories of its own; all other inodes are shared. */
export function copyDirectories(root: DirectoryInode): DirectoryInode {
  const entries = new Map<ByteString, Inode>();
  for (const [name, inode] of root.entries)
    entries.set(name, inode.type === "directory" ? copyDirectories(inode) : inode);
  return { ...root, entries };
}

const TYPE_BITS: Record<Inode["type"], number> = {
  file: 0o100000,
  directory: 0o40000,
  symlink: 0o120000,
  character: 0o20000,
  block: 0o60000,
  fifo: 0o10000,
  socket: 0o140000,
};

/** st_mode: type and permission bits, as ext4, ostree and tar's relatives store it. */
export function fileMode(inode: Inode): number {
  return TYPE_BITS[inode.type] + inode.mode;
}
