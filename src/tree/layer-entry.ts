// One entry of a layer: what a tar says about one path, with its content by reference. A hard link is an entry of its
// own until a tree is made; whiteouts are entries like any other.
import type { ByteString } from "../base/bytes/index.ts";
import { type Content, EMPTY_CONTENT, type Source } from "../base/io/index.ts";
import type { TarEntry } from "../formats/tar/index.ts";
import type { Inode, Metadata } from "./inode.ts";
import { splitPath } from "./path.ts";

export interface LayerEntry extends Metadata {
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";
  /** Without leading "/" or "./" and without trailing "/"; "" is the root. Never has "..". */
  readonly path: ByteString;
  /** A symbolic link's target as it is; a hard link's as a path of the form above; else "". */
  readonly target: ByteString;
  /** Of a file; else empty. */
  readonly content: Content;
  readonly major: number;
  readonly minor: number;
  /** ostree checksum of a file (64 hex), when the reader was asked for it. */
  readonly ostreeChecksum?: string;
}

/** The path of a tar entry in the form of `LayerEntry.path`. Throws TreeError BAD_PATH for "..". */
export function entryPath(raw: ByteString): ByteString {
  return splitPath(raw).join("/");
}

/** `source` holds the decompressed tar that the entry came from. Throws TreeError BAD_PATH. */
export function layerEntryOf(entry: TarEntry, source: Source): LayerEntry {
  return {
    type: entry.type,
    path: entryPath(entry.path),
    target: entry.type === "hardlink" ? entryPath(entry.linkTarget) : entry.linkTarget,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    xattrs: entry.xattrs,
    content: contentOfSpans(entry.sizeBytes, entry.spans, source),
    major: entry.major,
    minor: entry.minor,
  };
}

export function contentOfSpans(
  sizeBytes: number,
  spans: readonly { readonly at: number; readonly length: number; readonly offset: number }[],
  source: Source,
): Content {
  if (sizeBytes === 0) return EMPTY_CONTENT;
  return { sizeBytes, extents: spans.map(({ at, length, offset }) => ({ at, length, source, sourceOffset: offset })) };
}

/** A fresh inode for an entry; a hard link has none of its own (undefined). Directories come empty. */
export function inodeOf(entry: LayerEntry): Inode | undefined {
  const { mode, uid, gid, mtimeSeconds, xattrs } = entry;
  const metadata = { mode, uid, gid, mtimeSeconds, xattrs };
  switch (entry.type) {
    case "hardlink":
      return undefined;
    case "file":
      return {
        ...metadata,
        type: "file",
        content: entry.content,
        ...(entry.ostreeChecksum === undefined ? {} : { ostreeChecksum: entry.ostreeChecksum }),
      };
    case "directory":
      return { ...metadata, type: "directory", entries: new Map() };
    case "symlink":
      return { ...metadata, type: "symlink", target: entry.target };
    case "character":
    case "block":
      return { ...metadata, type: entry.type, major: entry.major, minor: entry.minor };
    case "fifo":
      return { ...metadata, type: "fifo" };
  }
}
