// What is known about each group once everything is placed: bitmaps, free counts, descriptors, superblock copies.
import { crc32cUpdate } from "../../base/bytes/index.ts";
import { blockBitmap, setBits, usedBlocks } from "./allocate.ts";
import { BLOCK_SIZE, GROUP_FLAG, SUPERBLOCK } from "./format.ts";
import type { BlockRange, Geometry, GroupLayout } from "./geometry.ts";
import type { ImageBuilder } from "./image.ts";
import type { Ext4Options } from "./plan.ts";
import { encodeDescriptor, encodeSuperblock, superblockBlock, type SuperblockState } from "./superblock.ts";

export interface GroupsInput {
  readonly geometry: Geometry;
  readonly groups: readonly GroupLayout[];
  readonly fixed: readonly BlockRange[];
  /** Blocks below are in use. */
  readonly cursor: number;
  /** Inodes up to this one are in use. */
  readonly lastInode: number;
  /** Directories by group. */
  readonly directories: Uint32Array;
  readonly fsSeed: number;
  readonly journal: SuperblockState["journal"];
}

/** Writes bitmaps, descriptor tables and superblocks. */
export function putGroups(image: ImageBuilder, input: GroupsInput, options: Ext4Options): void {
  const { geometry, groups } = input;
  const table = new Uint8Array(geometry.descriptorBlocks * BLOCK_SIZE);
  let freeBlocks = 0;
  groups.forEach((group, index) => {
    const free = putGroup(image, input, index, group, table);
    freeBlocks += free;
  });
  const state = { freeBlocks, freeInodes: geometry.inodeCount - input.lastInode, journal: input.journal };
  groups.forEach((group, index) => {
    if (group.baseBlocks === 0) return;
    const superblock = encodeSuperblock(geometry, options, state, index);
    image.put(group.firstBlock, superblockBlock(superblock, index === 0 ? SUPERBLOCK.offset : 0));
    image.put(group.firstBlock + 1, table);
  });
}

/** Returns the group's free blocks. */
function putGroup(
  image: ImageBuilder,
  input: GroupsInput,
  index: number,
  group: GroupLayout,
  table: Uint8Array,
): number {
  const { geometry, fixed, cursor, fsSeed } = input;
  const used = usedBlocks(fixed, cursor, group.firstBlock, group.firstBlock + group.blockCount);
  const usedInodes = Math.min(Math.max(input.lastInode - index * geometry.inodesPerGroup, 0), geometry.inodesPerGroup);
  // A group is "uninitialized" when only its own copies are in it: its bitmap can be told from the superblock. The last
  // group never is, because its bitmap is padded.
  const blockUninit = used === ownBlocks(group, geometry) && index < geometry.groupCount - 1;
  const inodeUninit = usedInodes === 0;
  let blockBitmapChecksum = 0;
  if (!blockUninit) {
    const bitmap = new Uint8Array(BLOCK_SIZE);
    blockBitmap(bitmap, group, fixed, cursor);
    blockBitmapChecksum = crc32cUpdate(fsSeed, bitmap);
    image.put(group.blockBitmapAt, bitmap);
  }
  let inodeBitmapChecksum = 0;
  if (!inodeUninit) {
    const bitmap = new Uint8Array(BLOCK_SIZE);
    setBits(bitmap, 0, usedInodes);
    setBits(bitmap, geometry.inodesPerGroup, BLOCK_SIZE * 8);
    inodeBitmapChecksum = crc32cUpdate(fsSeed, bitmap.subarray(0, geometry.inodesPerGroup / 8));
    image.put(group.inodeBitmapAt, bitmap);
  }
  encodeDescriptor(
    table,
    index,
    {
      blockBitmapAt: group.blockBitmapAt,
      inodeBitmapAt: group.inodeBitmapAt,
      inodeTableAt: group.inodeTableAt,
      freeBlocks: group.blockCount - used,
      freeInodes: geometry.inodesPerGroup - usedInodes,
      directories: input.directories[index] as number,
      unusedInodes: geometry.inodesPerGroup - usedInodes,
      // Holes read as zeros: the inode tables need no zeroing after the mount.
      flags:
        GROUP_FLAG.inodeZeroed +
        (blockUninit ? GROUP_FLAG.blockUninit : 0) +
        (inodeUninit ? GROUP_FLAG.inodeUninit : 0),
      blockBitmapChecksum,
      inodeBitmapChecksum,
    },
    fsSeed,
  );
  return group.blockCount - used;
}

/** Blocks of the group's own metadata within the group itself. */
function ownBlocks(group: GroupLayout, geometry: Geometry): number {
  const within = (at: number, count: number): number =>
    Math.max(Math.min(at + count, group.firstBlock + group.blockCount) - Math.max(at, group.firstBlock), 0);
  return (
    group.baseBlocks +
    within(group.blockBitmapAt, 1) +
    within(group.inodeBitmapAt, 1) +
    within(group.inodeTableAt, geometry.inodeTableBlocks)
  );
}
