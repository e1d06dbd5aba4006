// Facts of the tar format: POSIX.1-2017 pax "ustar Interchange Format" and "pax Header Block", and GNU tar's manual,
// "Basic Tar Format" and "Storing Sparse Files". Data without logic.

export const BLOCK_BYTES = 512;

export interface Field {
  readonly at: number;
  readonly length: number;
}

export type FieldName =
  | "name"
  | "mode"
  | "uid"
  | "gid"
  | "size"
  | "mtime"
  | "checksum"
  | "type"
  | "linkname"
  | "magic"
  | "devmajor"
  | "devminor"
  | "prefix";

/** Fields of a header block that mean something to us: user and group names do not. */
export const FIELD: Readonly<Record<FieldName, Field>> = {
  name: { at: 0, length: 100 },
  mode: { at: 100, length: 8 },
  uid: { at: 108, length: 8 },
  gid: { at: 116, length: 8 },
  size: { at: 124, length: 12 },
  mtime: { at: 136, length: 12 },
  checksum: { at: 148, length: 8 },
  type: { at: 156, length: 1 },
  linkname: { at: 157, length: 100 },
  magic: { at: 257, length: 8 },
  devmajor: { at: 329, length: 8 },
  devminor: { at: 337, length: 8 },
  prefix: { at: 345, length: 155 },
};

/** Magic and version together. GNU's has no prefix field: times and the sparse map are there. */
export const USTAR_MAGIC = "ustar\x0000";
export const GNU_MAGIC = "ustar  \x00";

/** Old GNU sparse headers (type S): four spans in the header, 21 in each extension block. */
export const GNU_SPARSE = {
  spans: { at: 386, count: 4 },
  isExtended: 482,
  realSize: { at: 483, length: 12 },
  extension: { count: 21, isExtended: 504 },
  spanBytes: 24,
  numberBytes: 12,
} as const;

export const TYPE = {
  oldFile: "\0",
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
  contiguous: "7",
  paxLocal: "x",
  paxLocalSun: "X",
  paxGlobal: "g",
  gnuLongName: "L",
  gnuLongLink: "K",
  gnuSparse: "S",
  gnuVolume: "V",
} as const;

/** Prefixes of pax keywords that carry extended attributes: raw values; percent-encoded names with base64 values. */
export const PAX_XATTR = "SCHILY.xattr.";
export const PAX_XATTR_BASE64 = "LIBARCHIVE.xattr.";

export type TarEntryType = "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo";

export interface TarXattr {
  /** Byte string. */
  readonly name: string;
  readonly value: Uint8Array;
}

/** `length` bytes of a file from position `at`, found at `offset` of the decompressed tar stream. */
export interface TarSpan {
  readonly at: number;
  readonly length: number;
  readonly offset: number;
}

export interface TarEntry {
  readonly type: TarEntryType;
  /** Byte string as the archive has it: it may start with "/" or "./", end with "/", or hold "..". */
  readonly path: string;
  /** Byte string; "" when the type has none. */
  readonly linkTarget: string;
  /** Permission bits: 0…0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, rounded down; may be negative. */
  readonly mtimeSeconds: number;
  /** Sorted by name, names unique. */
  readonly xattrs: readonly TarXattr[];
  readonly major: number;
  readonly minor: number;
  /** Bytes of the file as a reader sees it, holes included. 0 for all but files. */
  readonly sizeBytes: number;
  /** Where the bytes are: one span for a plain file, none for an empty one; gaps are holes. */
  readonly spans: readonly TarSpan[];
  /** Offset of the entry's own header block in the decompressed stream. */
  readonly headerOffset: number;
}
