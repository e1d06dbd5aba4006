// The file tree as the writer takes it: every path is an inode of its own, files without data of their own.
import type { ByteString } from "../../base/bytes/index.ts";

export interface ErofsXattr {
  readonly name: ByteString;
  readonly value: Uint8Array;
}

interface NodeMetadata {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  /** Sorted by name. */
  readonly xattrs: readonly ErofsXattr[];
}

export interface ErofsFile extends NodeMetadata {
  readonly type: "file";
  readonly sizeBytes: number;
}

export interface ErofsSymlink extends NodeMetadata {
  readonly type: "symlink";
  readonly target: ByteString;
}

export interface ErofsDirectory extends NodeMetadata {
  readonly type: "directory";
  readonly entries: ReadonlyMap<ByteString, ErofsNode>;
}

export interface ErofsSpecial extends NodeMetadata {
  readonly type: "character" | "block" | "fifo" | "socket";
  /** As the kernel encodes a device number; 0 for FIFOs and sockets. */
  readonly rdev: number;
}

export type ErofsNode = ErofsFile | ErofsSymlink | ErofsDirectory | ErofsSpecial;
