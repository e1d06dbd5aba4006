// metadata_csum: CRC-32C with the register carried over (no inversion), seeded by the file system's UUID; what belongs to
// an inode goes on from a seed of its own. Source: Documentation/filesystems/ext4/checksums.rst.
import { crc32cUpdate } from "../../base/bytes/index.ts";

const scratch = new Uint8Array(8);
const scratchView: DataView = new DataView(scratch.buffer);

export function fileSystemSeed(uuid: Uint8Array): number {
  return crc32cUpdate(0xffffffff, uuid);
}

/** Generation numbers are always 0 here. */
export function inodeSeed(fsSeed: number, inode: number): number {
  scratchView.setUint32(0, inode, true);
  scratchView.setUint32(4, 0, true);
  return crc32cUpdate(fsSeed, scratch);
}

/** Continues with a little-endian 32-bit number. */
export function crcWord(register: number, value: number): number {
  scratchView.setUint32(0, value, true);
  return crc32cUpdate(register, scratch.subarray(0, 4));
}

/** Continues with a little-endian 64-bit number. */
export function crcLong(register: number, value: number): number {
  scratchView.setUint32(0, value % 2 ** 32, true);
  scratchView.setUint32(4, Math.floor(value / 2 ** 32), true);
  return crc32cUpdate(register, scratch);
}
