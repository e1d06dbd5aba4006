// The superblock and the group descriptors. Source: Documentation/filesystems/ext4/super.rst and group_descr.rst.
import { crc32cUpdate, utf8, viewOf } from "../../base/bytes/index.ts";
import { crcWord } from "./checksum.ts";
import {
  BLOCK_SIZE,
  BLOCKS_PER_GROUP,
  COMPAT,
  DESCRIPTOR_SIZE,
  EXTRA_INODE_SIZE,
  HTREE,
  INCOMPAT,
  INODE,
  INODE_SIZE,
  LOG_GROUPS_PER_FLEX,
  RO_COMPAT,
  SUPERBLOCK,
} from "./format.ts";
import type { Geometry } from "./geometry.ts";
import type { Ext4Options } from "./plan.ts";

export interface SuperblockState {
  readonly freeBlocks: number;
  readonly freeInodes: number;
  /** The journal inode's i_block and size, or undefined without a journal. */
  readonly journal: { readonly map: Uint8Array; readonly sizeBytes: number } | undefined;
}

/** 1,024 bytes; `group` is the group whose copy this is. */
export function encodeSuperblock(
  geometry: Geometry,
  options: Ext4Options,
  state: SuperblockState,
  group: number,
): Uint8Array {
  const bytes = new Uint8Array(SUPERBLOCK.size);
  const view = viewOf(bytes);
  setCounts(view, geometry, options, state);
  setTimes(view, bytes, options.epochSeconds);
  view.setUint16(0x36, 0xffff, true);
  view.setUint16(0x38, SUPERBLOCK.magic, true);
  view.setUint16(0x3a, SUPERBLOCK.clean, true);
  view.setUint16(0x3c, SUPERBLOCK.errorsContinue, true);
  view.setUint32(0x4c, SUPERBLOCK.revision, true);
  view.setUint32(0x54, INODE.first, true);
  view.setUint16(0x58, INODE_SIZE, true);
  view.setUint16(0x5a, group, true);
  setFeatures(view, geometry);
  bytes.set(options.uuid, 0x68);
  bytes.set(utf8(options.label ?? ""), 0x78);
  view.setUint16(0xce, geometry.reservedDescriptorBlocks, true);
  bytes.set(options.hashSeed, 0xec);
  view.setUint8(0xfc, HTREE.halfMd4);
  view.setUint16(0xfe, DESCRIPTOR_SIZE, true);
  view.setUint32(0x100, SUPERBLOCK.mountXattrAndAcl, true);
  if (state.journal !== undefined) {
    view.setUint32(0xe0, INODE.journal, true);
    view.setUint8(0xfd, SUPERBLOCK.journalBackupBlocks);
    bytes.set(state.journal.map, 0x10c);
    view.setUint32(0x148, Math.floor(state.journal.sizeBytes / 2 ** 32), true);
    view.setUint32(0x14c, state.journal.sizeBytes % 2 ** 32, true);
  }
  view.setUint16(0x15c, EXTRA_INODE_SIZE, true);
  view.setUint16(0x15e, EXTRA_INODE_SIZE, true);
  view.setUint32(0x160, SUPERBLOCK.signedDirectoryHash, true);
  view.setUint8(0x174, LOG_GROUPS_PER_FLEX);
  view.setUint8(0x175, SUPERBLOCK.checksumCrc32c);
  view.setUint32(SUPERBLOCK.checksumAt, crc32cUpdate(0xffffffff, bytes.subarray(0, SUPERBLOCK.checksumAt)), true);
  return bytes;
}

function setCounts(view: DataView, geometry: Geometry, options: Ext4Options, state: SuperblockState): void {
  const reserved = Math.floor((geometry.blockCount * (options.reservedPercent ?? 5)) / 100);
  // All block counts are below 2^32: their high halves stay zero.
  view.setUint32(0x00, geometry.inodeCount, true);
  view.setUint32(0x04, geometry.blockCount, true);
  view.setUint32(0x08, reserved, true);
  view.setUint32(0x0c, state.freeBlocks, true);
  view.setUint32(0x10, state.freeInodes, true);
  // Block and cluster size: 1024 << 2.
  view.setUint32(0x18, 2, true);
  view.setUint32(0x1c, 2, true);
  view.setUint32(0x20, BLOCKS_PER_GROUP, true);
  view.setUint32(0x24, BLOCKS_PER_GROUP, true);
  view.setUint32(0x28, geometry.inodesPerGroup, true);
}

/** Written, checked and made at the same moment; 40 bits each. */
function setTimes(view: DataView, bytes: Uint8Array, epochSeconds: number): void {
  const seconds = Math.min(Math.max(Math.trunc(epochSeconds), 0), 2 ** 40 - 1);
  const high = Math.floor(seconds / 2 ** 32);
  for (const at of [0x30, 0x40, 0x108]) view.setUint32(at, seconds % 2 ** 32, true);
  for (const at of [0x274, 0x276, 0x277]) bytes[at] = high;
}

function setFeatures(view: DataView, geometry: Geometry): void {
  const hasJournal = geometry.journalBlocks > 0;
  const canGrow = geometry.reservedDescriptorBlocks > 0;
  view.setUint32(
    0x5c,
    (hasJournal ? COMPAT.hasJournal : 0) + COMPAT.extAttr + (canGrow ? COMPAT.resizeInode : 0) + COMPAT.dirIndex,
    true,
  );
  view.setUint32(0x60, INCOMPAT.filetype + INCOMPAT.extents + INCOMPAT.is64bit + INCOMPAT.flexBg, true);
  view.setUint32(
    0x64,
    Object.values(RO_COMPAT).reduce((sum, flag) => sum + flag, 0),
    true,
  );
}

export interface GroupDescriptor {
  readonly blockBitmapAt: number;
  readonly inodeBitmapAt: number;
  readonly inodeTableAt: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly directories: number;
  /** Inodes at the end of the table that were never used. */
  readonly unusedInodes: number;
  readonly flags: number;
  /** 0 where the bitmap is not written. */
  readonly blockBitmapChecksum: number;
  readonly inodeBitmapChecksum: number;
}

/** Writes the descriptor of `group` into the table. Block numbers are below 2^32. */
export function encodeDescriptor(table: Uint8Array, group: number, descriptor: GroupDescriptor, fsSeed: number): void {
  const bytes = table.subarray(group * DESCRIPTOR_SIZE, (group + 1) * DESCRIPTOR_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0x00, descriptor.blockBitmapAt, true);
  view.setUint32(0x04, descriptor.inodeBitmapAt, true);
  view.setUint32(0x08, descriptor.inodeTableAt, true);
  view.setUint16(0x0c, descriptor.freeBlocks, true);
  view.setUint16(0x0e, descriptor.freeInodes, true);
  view.setUint16(0x10, descriptor.directories, true);
  view.setUint16(0x12, descriptor.flags, true);
  view.setUint16(0x18, descriptor.blockBitmapChecksum % 65_536, true);
  view.setUint16(0x1a, descriptor.inodeBitmapChecksum % 65_536, true);
  view.setUint16(0x1c, descriptor.unusedInodes, true);
  view.setUint16(0x38, descriptor.blockBitmapChecksum >>> 16, true);
  view.setUint16(0x3a, descriptor.inodeBitmapChecksum >>> 16, true);
  view.setUint16(0x1e, crc32cUpdate(crcWord(fsSeed, group), bytes) % 65_536, true);
}

/** A block with a superblock at `offset`. */
export function superblockBlock(superblock: Uint8Array, offset: number): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  block.set(superblock, offset);
  return block;
}
