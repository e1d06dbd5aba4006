// qcow2 version 3 (QEMU docs/interop/qcow2.rst). Facts only: integers are big-endian, offsets are bytes into the file.

export const MAGIC = 0x514649fb;
export const VERSION = 3;

/** What we write: clusters of 64 KiB and reference counts of 16 bits, as qemu-img does. */
export const CLUSTER_BITS = 16;
export const CLUSTER_BYTES = 65_536;
export const REFCOUNT_ORDER = 4;
/** Entries of 8 bytes in a cluster. */
export const L2_ENTRIES = 8192;
/** Counts of 2 bytes in a cluster. */
export const REFCOUNTS_PER_BLOCK = 32_768;
export const MAX_REFCOUNT = 0xffff;

/** Up to and with the compression type. */
export const HEADER_BYTES = 112;

export const HEADER = {
  magic: 0,
  version: 4,
  backingOffset: 8,
  backingBytes: 16,
  clusterBits: 20,
  virtualSize: 24,
  encryption: 32,
  l1Entries: 36,
  l1Offset: 40,
  refcountTableOffset: 48,
  refcountTableClusters: 56,
  snapshotCount: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  compatible: 80,
  autoclear: 88,
  refcountOrder: 96,
  headerBytes: 100,
  compressionType: 104,
} as const;

/** Incompatible features, as bit values. */
export const INCOMPATIBLE = {
  dirty: 0x1n,
  corrupt: 0x2n,
  externalData: 0x4n,
  compressionType: 0x8n,
  extendedL2: 0x10n,
} as const;

export const COMPRESSION_ZLIB = 0;
export const COMPRESSION_ZSTD = 1;
export type Qcow2Compression = "zlib" | "zstd";

/** Bits of L1 and L2 entries. COPIED says that the reference count is exactly one. */
export const COPIED = 0x8000_0000_0000_0000n;
export const COMPRESSED = 0x4000_0000_0000_0000n;
export const READS_ZERO = 0x1n;
export const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

/** Compressed data is counted in sectors of 512 bytes. */
export const SECTOR_BYTES = 512;

/** Caps of the reader, those of QEMU: clusters of 512 bytes to 2 MiB, an L1 table of at most 32 MiB. */
export const MIN_CLUSTER_BITS = 9;
export const MAX_CLUSTER_BITS = 21;
export const MAX_L1_ENTRIES = 4_194_304;
