// The superblock as plain values, checked once. Reads any ext4 with extents and blocks of 1 to 64 KiB; refuses features
// that change where data lies and that this reader does not know.
import { bytesToByteString, byteStringToUtf8, formatUuid, viewOf } from "../../base/bytes/index.ts";
import { Ext4Error } from "./errors.ts";
import { INCOMPAT, SUPERBLOCK } from "./format.ts";

export interface Ext4Superblock {
  readonly uuid: string;
  readonly label: string;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly freeBlocks: number;
  readonly inodeCount: number;
  readonly freeInodes: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  readonly descriptorSize: number;
  /** Block of the first descriptor. */
  readonly descriptorsAt: number;
  /** The journal holds changes that are not yet in place: what is read may be old. */
  readonly needsRecovery: boolean;
}

const NEEDS_RECOVERY = 0x4;
const CSUM_SEED = 0x2000;
const LARGE_DIR = 0x4000;
/** Of incompatible features, what this reader may ignore or knows. */
const KNOWN: number =
  INCOMPAT.filetype + INCOMPAT.extents + INCOMPAT.is64bit + INCOMPAT.flexBg + NEEDS_RECOVERY + CSUM_SEED + LARGE_DIR;

/** Takes the 1,024 bytes at offset 1,024. Throws NOT_EXT4, UNSUPPORTED, CORRUPT. */
export function decodeSuperblock(bytes: Uint8Array): Ext4Superblock {
  const view = viewOf(bytes);
  const magic = view.getUint16(0x38, true);
  if (magic !== SUPERBLOCK.magic) {
    throw new Ext4Error(
      "NOT_EXT4",
      `cannot read ext4 superblock: magic is 0x${magic.toString(16)}, want 0x${SUPERBLOCK.magic.toString(16)}`,
    );
  }
  const incompat = view.getUint32(0x60, true);
  const unknown = (incompat & ~KNOWN) >>> 0;
  if (unknown !== 0 || (incompat & INCOMPAT.extents) === 0) {
    throw new Ext4Error(
      "UNSUPPORTED",
      `cannot read ext4 file system: found incompatible features 0x${incompat.toString(16)}, want extents and none of 0x${unknown.toString(16)}`,
    );
  }
  const is64bit = (incompat & INCOMPAT.is64bit) !== 0;
  const logBlockSize = view.getUint32(0x18, true);
  const blockSize = 1024 * 2 ** logBlockSize;
  const inodeSize = view.getUint16(0x58, true);
  const inodesPerGroup = view.getUint32(0x28, true);
  const descriptorSize = is64bit ? view.getUint16(0xfe, true) : 32;
  const high = (at: number): number => (is64bit ? view.getUint32(at, true) * 2 ** 32 : 0);
  if (
    logBlockSize > 6 ||
    inodeSize < 128 ||
    inodeSize > blockSize ||
    inodesPerGroup === 0 ||
    descriptorSize < 32 ||
    descriptorSize > 1024
  ) {
    throw new Ext4Error(
      "CORRUPT",
      `cannot read ext4 superblock: blocks of 2^${logBlockSize} KiB, inodes of ${inodeSize} bytes, ${inodesPerGroup} in a group`,
    );
  }
  const label = bytesToByteString(bytes.subarray(0x78, 0x88)).replace(/\0.*$/s, "");
  return {
    uuid: formatUuid(bytes.subarray(0x68, 0x78)),
    label: byteStringToUtf8(label) ?? label,
    blockSize,
    blockCount: view.getUint32(0x04, true) + high(0x150),
    freeBlocks: view.getUint32(0x0c, true) + high(0x158),
    inodeCount: view.getUint32(0x00, true),
    freeInodes: view.getUint32(0x10, true),
    inodesPerGroup,
    inodeSize,
    descriptorSize,
    descriptorsAt: view.getUint32(0x14, true) + 1,
    needsRecovery: (incompat & NEEDS_RECOVERY) !== 0,
  };
}
