// ext4 on disk: numbers without logic. Source of the facts: Linux Documentation/filesystems/ext4/ (super, group_descr,
// inodes, ifork, directory, attributes, checksums, journal) and the field comments of fs/ext4/ext4.h and
// include/linux/jbd2.h. Only what Slipway writes: 4 KiB blocks, 256-byte inodes, 64-byte group descriptors.

export const BLOCK_SIZE = 4096;
export const BLOCKS_PER_GROUP: number = BLOCK_SIZE * 8;
export const INODE_SIZE = 256;
export const INODES_PER_BLOCK: number = BLOCK_SIZE / INODE_SIZE;
/** An inode bitmap is one block. */
export const MAX_INODES_PER_GROUP: number = BLOCK_SIZE * 8;
export const DESCRIPTOR_SIZE = 64;
export const DESCRIPTORS_PER_BLOCK: number = BLOCK_SIZE / DESCRIPTOR_SIZE;
export const LOG_GROUPS_PER_FLEX = 4;
export const GROUPS_PER_FLEX = 16;
/** Bytes of the inode's extra part: up to and with i_projid. */
export const EXTRA_INODE_SIZE = 32;

/** Block numbers in indirect blocks (the resize inode) have 32 bits. */
export const MAX_SIZE_BYTES: number = 2 ** 32 * BLOCK_SIZE;
/** Logical block numbers of a file have 32 bits; the last one is not used. */
export const MAX_FILE_BLOCKS: number = 2 ** 32 - 1;
export const MAX_NAME_BYTES = 255;
export const MAX_LABEL_BYTES = 16;
/** EXT4_LINK_MAX. A directory with more gets the link count 1 ("not counted", dir_nlink). */
export const MAX_LINKS = 65_000;
/** A shorter target lives in i_block. */
export const FAST_SYMLINK_BYTES = 60;

export const INODE = { root: 2, resize: 7, journal: 8, lostAndFound: 11, first: 11 } as const;

export const COMPAT = { hasJournal: 0x4, extAttr: 0x8, resizeInode: 0x10, dirIndex: 0x20 } as const;
export const INCOMPAT = { filetype: 0x2, extents: 0x40, is64bit: 0x80, flexBg: 0x200 } as const;
export const RO_COMPAT = {
  sparseSuper: 0x1,
  largeFile: 0x2,
  hugeFile: 0x8,
  dirNlink: 0x20,
  extraIsize: 0x40,
  metadataCsum: 0x400,
  verity: 0x8000,
} as const;

export const SUPERBLOCK = {
  magic: 0xef53,
  /** The first one; a backup starts at the beginning of its group. */
  offset: 1024,
  size: 1024,
  checksumAt: 0x3fc,
  clean: 1,
  errorsContinue: 1,
  revision: 1,
  mountXattrAndAcl: 0xc,
  signedDirectoryHash: 1,
  checksumCrc32c: 1,
  /** "s_jnl_blocks holds a copy of the journal inode's i_block and i_size". */
  journalBackupBlocks: 1,
} as const;

export const GROUP_FLAG = { inodeUninit: 1, blockUninit: 2, inodeZeroed: 4 } as const;

export const INODE_FLAG = { immutable: 0x10, index: 0x1000, extents: 0x80000 } as const;

/** Type bits of i_mode, and the type byte of a directory entry. */
export const FILE_TYPE = {
  file: { mode: 0o100000, entry: 1 },
  directory: { mode: 0o040000, entry: 2 },
  character: { mode: 0o020000, entry: 3 },
  block: { mode: 0o060000, entry: 4 },
  fifo: { mode: 0o010000, entry: 5 },
  socket: { mode: 0o140000, entry: 6 },
  symlink: { mode: 0o120000, entry: 7 },
} as const;

export const EXTENT = {
  magic: 0xf30a,
  headerSize: 12,
  entrySize: 12,
  /** Entries in i_block. */
  rootEntries: 4,
  /** Entries in a block; the 4 bytes that are left hold the checksum. */
  blockEntries: 340,
  /** An initialized extent is at most this long. */
  maxBlocks: 32_768,
} as const;

export const DIRECTORY = {
  entryHeader: 8,
  tailSize: 12,
  tailType: 0xde,
  /** lost+found is made with four blocks, so that e2fsck need not allocate while it repairs. */
  lostAndFoundBlocks: 4,
} as const;

export const HTREE = {
  halfMd4: 1,
  /** Entries (with the one that limit and count displace) that fit beside a checksum tail. */
  rootLimit: 507,
  nodeLimit: 510,
  rootEntriesAt: 0x20,
  nodeEntriesAt: 0x8,
  entrySize: 8,
} as const;

export const XATTR = {
  magic: 0xea020000,
  inodeHeader: 4,
  blockHeader: 32,
  entryHeader: 16,
  /** A reference count beyond this is refused by the kernel. */
  maxReferences: 1024,
} as const;

export const JBD2 = { magic: 0xc03b3998, superblockV2: 4 } as const;
