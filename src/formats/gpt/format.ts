// GUID partition table (UEFI 2.10 section 5.3). Facts only: offsets in bytes, integers little-endian.

export const SECTOR_BYTES = 512;
export const SIGNATURE = "EFI PART";
export const REVISION = 0x00010000;
export const HEADER_BYTES = 92;

/** What every tool writes: 128 entries of 128 bytes, 32 sectors. */
export const ENTRY_BYTES = 128;
export const ENTRY_COUNT = 128;
export const ENTRIES_SECTORS = 32;

/** Protective MBR, header and entries come first; the first usable sector follows. */
export const FIRST_USABLE_LBA = 34;
/** Sectors at the end that the backup takes: entries, then the header in the very last one. */
export const BACKUP_SECTORS = 33;

export const NAME_UNITS = 36;

/** Caps of the reader. UEFI names none; Linux reads no more than this either in any disk of the field. */
export const MAX_ENTRY_COUNT = 1024;
export const MAX_ENTRY_BYTES = 4096;

export const HEADER = {
  signature: 0,
  revision: 8,
  headerSize: 12,
  headerCrc: 16,
  currentLba: 24,
  otherLba: 32,
  firstUsableLba: 40,
  lastUsableLba: 48,
  diskGuid: 56,
  entriesLba: 72,
  entryCount: 80,
  entryBytes: 84,
  entriesCrc: 88,
} as const;

export const ENTRY = { typeGuid: 0, guid: 16, firstLba: 32, lastLba: 40, attributes: 48, name: 56 } as const;

/** Attribute bits (UEFI 2.10 table 5.8, Discoverable Partitions Specification). */
export const ATTRIBUTES = {
  required: 0x1n,
  noBlockIo: 0x2n,
  legacyBootable: 0x4n,
  growFileSystem: 0x0800_0000_0000_0000n,
  readOnly: 0x1000_0000_0000_0000n,
  noAuto: 0x8000_0000_0000_0000n,
} as const;

/** Type GUIDs that bootable disks use (Discoverable Partitions Specification). */
export const PARTITION_TYPES = {
  biosBoot: "21686148-6449-6e6f-744e-656564454649",
  prepBoot: "9e1a2d38-c612-4316-aa26-8b49521e5a8b",
  efiSystem: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
  linux: "0fc63daf-8483-4772-8e79-3d69d8477de4",
  extendedBoot: "bc13c2ff-59e6-4262-a352-b275fd6f7172",
  rootX86_64: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
  rootAarch64: "b921b045-1df0-41c3-af44-4c6f280d3fae",
  rootPpc64le: "c31c45e6-3f39-412e-80fb-4809c4980599",
  rootS390x: "5eead9a9-fe09-4a1e-a1d7-520d00531306",
  rootRiscv64: "72ec70a6-cf74-40e6-bd49-4bda08e8f224",
} as const;
