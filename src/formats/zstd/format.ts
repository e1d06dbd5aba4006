// Facts of Zstandard frames (RFC 8878, section 3.1). Data without logic.

export const FRAME_MAGIC = 0xfd2fb528;
/** Skippable frames: 0x184d2a50 … 0x184d2a5f, then a length of four bytes. */
export const SKIPPABLE_MAGIC = 0x184d2a50;
export const SKIPPABLE_MAGIC_COUNT = 16;

/** Frame_Header_Descriptor, section 3.1.1.1.1. */
export const DESCRIPTOR = {
  contentSizeFlag: (byte: number): number => byte >> 6,
  isSingleSegment: (byte: number): boolean => (byte & 0x20) !== 0,
  isReserved: (byte: number): boolean => (byte & 0x08) !== 0,
  hasChecksum: (byte: number): boolean => (byte & 0x04) !== 0,
  dictionaryFlag: (byte: number): number => byte & 0x03,
} as const;

/** Bytes of the content size field by its flag; flag 0 means one byte in single-segment frames. */
export const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
export const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

export const BLOCK_HEADER_BYTES = 3;
export const CHECKSUM_BYTES = 4;
export const BLOCK_TYPE = { raw: 0, rle: 1, compressed: 2, reserved: 3 } as const;
