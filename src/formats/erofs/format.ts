// Facts of EROFS as composefs images use it (kernel documentation "EROFS", docs/formats/composefs.md): one
// metadata area of inodes with inline tails, shared xattrs after it, then data blocks of directories.

export const BLOCK_BYTES = 4096;
export const BLOCK_BITS = 12;
/** Inodes lie on multiples of this; an inode's number (nid) is its offset in these units. */
export const SLOT_BYTES = 32;
/** The first bytes belong to boot loaders and other formats. */
export const BOOT_BYTES = 1024;
export const SUPERBLOCK_BYTES = 128;

export const SUPERBLOCK = {
  magic: 0,
  featureCompat: 8,
  blockBits: 12,
  rootNid: 14,
  inodes: 16,
  buildTime: 24,
  blocks: 36,
  xattrBlock: 44,
} as const;

export const MAGIC = 0xe0f5e1e2;
/** mtime and xattr name filter. */
export const FEATURES = 0b110;

export const COMPACT_BYTES = 32;
export const EXTENDED_BYTES = 64;

/** Data layouts of an inode. */
export const LAYOUT = { plain: 0, inline: 2, chunked: 4 } as const;

/** A chunk that is not there: reads as zeros, or, under overlayfs, comes from the lower layer. */
export const MIN_CHUNK_BITS = 12;
export const MAX_CHUNK_BITS = 43;
export const CHUNK_ENTRY_BYTES = 4;

export const DIRENT_BYTES = 12;
/** A directory's last part becomes a block of its own when it is larger than this. */
export const MAX_DIRECTORY_TAIL = 2048;

export const DIRENT_TYPE = { file: 1, directory: 2, character: 3, block: 4, fifo: 5, socket: 6, symlink: 7 } as const;

export const XATTR_HEADER_BYTES = 12;
export const XATTR_ENTRY_BYTES = 4;
export const MAX_SHARED_XATTRS = 128;
export const XATTR_FILTER_SEED = 0x25bbe08f;

/** Name prefixes with their numbers; `exact` ones are whole names. Anything else: number 0 and the full name. */
export const XATTR_PREFIXES: readonly { readonly prefix: string; readonly index: number; readonly exact?: true }[] = [
  { prefix: "user.", index: 1 },
  { prefix: "system.posix_acl_access", index: 2, exact: true },
  { prefix: "system.posix_acl_default", index: 3, exact: true },
  { prefix: "trusted.", index: 4 },
  { prefix: "security.", index: 6 },
];
