// The journal (inode 8): an empty JBD2 log. Only its superblock is written; the rest are holes that read as zeros.
// Source: Documentation/filesystems/ext4/journal.rst. Features (64-bit, checksum v3) are set by the kernel when it mounts.
import { viewOf } from "../../base/bytes/index.ts";
import { BLOCK_SIZE, JBD2 } from "./format.ts";

/** The journal's first block; JBD2 is big-endian. */
export function journalSuperblock(blockCount: number, uuid: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0x00, JBD2.magic);
  view.setUint32(0x04, JBD2.superblockV2);
  view.setUint32(0x0c, BLOCK_SIZE);
  view.setUint32(0x10, blockCount);
  // First block of the log, sequence of its first transaction, and start 0: nothing to replay.
  view.setUint32(0x14, 1);
  view.setUint32(0x18, 1);
  bytes.set(uuid, 0x30);
  view.setUint32(0x40, 1);
  return bytes;
}
