// What ext4 needs to know of a file tree. Structurally a part of src/tree's Inode, so that a Tree goes in as it is
// (formats may not import the tree). Two names of one file are the same object.
import type { ByteString } from "../../base/bytes/index.ts";
import type { Content } from "../../base/io/index.ts";

export interface FsXattr {
  /** With its prefix: "security.selinux". */
  readonly name: ByteString;
  readonly value: Uint8Array;
}

interface FsMetadata {
  /** 0…0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly xattrs: readonly FsXattr[];
  readonly immutable?: boolean;
}

export interface FsFile extends FsMetadata {
  readonly type: "file";
  readonly content: Content;
}

export interface FsSymlink extends FsMetadata {
  readonly type: "symlink";
  readonly target: ByteString;
}

export interface FsDirectory extends FsMetadata {
  readonly type: "directory";
  readonly entries: ReadonlyMap<ByteString, FsNode>;
}

export interface FsDevice extends FsMetadata {
  readonly type: "character" | "block";
  readonly major: number;
  readonly minor: number;
}

export interface FsSpecial extends FsMetadata {
  readonly type: "fifo" | "socket";
}

export type FsNode = FsFile | FsSymlink | FsDirectory | FsDevice | FsSpecial;
