// The classic DOS partition table in the first 512 bytes of a disk (UEFI 2.10 section 5.2). Facts only.

export const MBR_BYTES = 512;
export const MBR_SIGNATURE_OFFSET = 510;
export const MBR_SIGNATURE = 0xaa55;
export const MBR_TABLE_OFFSET = 446;
export const MBR_ENTRY_BYTES = 16;
export const MBR_ENTRY_COUNT = 4;

/** Partition type of the one entry of a protective MBR: "this disk is GPT, keep off". */
export const TYPE_GPT_PROTECTIVE = 0xee;
