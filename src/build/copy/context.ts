// Where COPY and ADD take files from: a directory with its ignore rules, or the file system of a stage or an image.
// Behind this interface both are the same: inodes by path, content by reference.
import type { ByteString } from "../../base/bytes/index.ts";
import type { Content } from "../../base/io/index.ts";
import type { Inode, Metadata } from "../../tree/index.ts";

/** One name of a context. Owners and xattrs of a directory context are root's and none: what is on disk is the builder's. */
export interface ContextEntry extends Metadata {
  readonly type: Inode["type"];
  /** Of a symbolic link; else "". */
  readonly target: ByteString;
  readonly major: number;
  readonly minor: number;
  /** Of a file, by reference: nothing is open until it is read. Else empty. */
  readonly content: Content;
  /** The same for all names of one file that has several; else undefined. */
  readonly link: unknown;
  /** SHA-256 of a file's content, in hexadecimal. */
  digest(signal: AbortSignal): Promise<string>;
}

/** Paths are relative to the context's root, "" is the root; no symbolic link is followed here, see resolve.ts. */
export interface ContextSource {
  /** For messages: the directory, or what the image is called. */
  readonly description: string;
  /** True for stages and images: owners mean something there, and are kept when no --chown is given. */
  readonly keepsOwners: boolean;
  lstat(path: ByteString): Promise<ContextEntry | undefined>;
  /** The names in a directory, sorted bytewise. */
  names(path: ByteString): Promise<readonly ByteString[]>;
  /** Whether .containerignore hides the path. */
  excludes(path: ByteString, isDirectory: boolean): boolean;
  /** Whether it hides the directory and all that can be below it. */
  prunes(path: ByteString): boolean;
}

/** A file that is no name of a context: a heredoc, a download. */
export function fileEntry(file: Pick<ContextEntry, "mode" | "mtimeSeconds" | "content">, digest: string): ContextEntry {
  return {
    ...file,
    type: "file",
    uid: 0,
    gid: 0,
    xattrs: [],
    target: "",
    major: 0,
    minor: 0,
    link: undefined,
    digest: () => Promise.resolve(digest),
  };
}
