// FAT32 with long names (Microsoft "FAT: General Overview of On-Disk Format" 1.03; ECMA-107 for the short names; sizes
// of clusters as the same paper's table for FAT32 and mkfs.fat have them). Facts only: offsets in bytes, little-endian.

export const SECTOR_BYTES = 512;
export const RESERVED_SECTORS = 32;
export const FAT_COPIES = 2;
export const FSINFO_SECTOR = 1;
export const BACKUP_BOOT_SECTOR = 6;
export const MEDIA_FIXED = 0xf8;

/** A volume with fewer clusters is FAT16, whatever its boot sector says. */
export const MIN_CLUSTERS = 65_525;
/** Sector numbers are 32 bits wide. */
export const MAX_SECTORS = 0xffff_ffff;
export const FIRST_CLUSTER = 2;
export const END_OF_CHAIN = 0x0fffffff;
export const MAX_FILE_BYTES = 0xffff_ffff;

/** Volume size up to which a cluster has so many sectors. */
export const CLUSTER_SIZES: readonly { readonly belowBytes: number; readonly sectors: number }[] = [
  { belowBytes: 260 * 2 ** 20, sectors: 1 },
  { belowBytes: 8 * 2 ** 30, sectors: 8 },
  { belowBytes: 16 * 2 ** 30, sectors: 16 },
  { belowBytes: 32 * 2 ** 30, sectors: 32 },
  { belowBytes: Infinity, sectors: 64 },
];

export const BOOT = {
  jump: 0,
  oemName: 3,
  bytesPerSector: 11,
  sectorsPerCluster: 13,
  reservedSectors: 14,
  fatCopies: 16,
  media: 21,
  sectorsPerTrack: 24,
  heads: 26,
  hiddenSectors: 28,
  totalSectors: 32,
  fatSectors: 36,
  rootCluster: 44,
  fsInfoSector: 48,
  backupBootSector: 50,
  driveNumber: 64,
  bootSignature: 66,
  serial: 67,
  label: 71,
  type: 82,
  code: 90,
  signature: 510,
} as const;

export const FSINFO = { lead: 0, structure: 484, freeClusters: 488, nextFree: 492, trail: 508 } as const;

export const DIRECTORY_ENTRY_BYTES = 32;
/** Directories end at 2 MiB. */
export const MAX_DIRECTORY_ENTRIES = 65_536;

export const ENTRY = {
  name: 0,
  attributes: 11,
  createTime: 14,
  createDate: 16,
  accessDate: 18,
  clusterHigh: 20,
  writeTime: 22,
  writeDate: 24,
  clusterLow: 26,
  size: 28,
} as const;

export const ATTRIBUTE = { label: 0x08, directory: 0x10, archive: 0x20, longName: 0x0f } as const;

/** Where the 13 UTF-16 units of a long-name entry lie. */
export const LONG_NAME_OFFSETS: readonly number[] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
export const LONG_NAME_LAST = 0x40;
export const MAX_NAME_UNITS = 255;

/** Cap on the depth of directories; the format has none, firmware has small stacks. */
export const MAX_DEPTH = 64;
