// How many groups, inodes, descriptor blocks and journal blocks a size gives (mke2fs's rules for a general file system),
// and where the fixed metadata of each group lies: superblock and descriptor copies at the start of groups 0, 1 and the
// powers of 3, 5 and 7 (sparse_super); bitmaps and inode tables of 16 groups together (flex_bg). Refuses over 16 TiB.
import { alignUp, ceilDiv } from "../../base/bytes/index.ts";
import { Ext4Error } from "./errors.ts";
import {
  BLOCK_SIZE,
  BLOCKS_PER_GROUP,
  DESCRIPTORS_PER_BLOCK,
  GROUPS_PER_FLEX,
  INODES_PER_BLOCK,
  MAX_INODES_PER_GROUP,
  MAX_SIZE_BYTES,
} from "./format.ts";

/** Blocks from `start` up to but without `end`. */
export interface BlockRange {
  readonly start: number;
  readonly end: number;
}

export interface Geometry {
  readonly blockCount: number;
  readonly groupCount: number;
  readonly inodesPerGroup: number;
  readonly inodeCount: number;
  readonly inodeTableBlocks: number;
  readonly descriptorBlocks: number;
  readonly reservedDescriptorBlocks: number;
  /** 0: too small for a journal. */
  readonly journalBlocks: number;
  /** Superblocks, descriptors with their reserve, bitmaps and inode tables. */
  readonly fixedBlocks: number;
}

export interface GroupLayout {
  readonly firstBlock: number;
  readonly blockCount: number;
  readonly blockBitmapAt: number;
  readonly inodeBitmapAt: number;
  readonly inodeTableAt: number;
  /** Blocks at its start for superblock and descriptors; 0 in a group without a copy. */
  readonly baseBlocks: number;
}

export interface GeometryOptions {
  readonly sizeBytes: number;
  /** Inodes that will be in use. */
  readonly usedInodes: number;
  /** One inode for so many bytes; 16,384 unless told otherwise. */
  readonly inodeRatio?: number;
  /** The size it must be able to grow to while mounted; 1,000 times `sizeBytes` unless told otherwise, at most 2 TiB. */
  readonly maxSizeBytes?: number;
}

const DEFAULT_INODE_RATIO = 16_384;
const DEFAULT_GROWTH = 1000;
const MAX_GROWN_BYTES = 2 * 1024 ** 4;
/** mke2fs gives up a last group that would have fewer blocks of its own. */
const LAST_GROUP_MIN_FREE = 50;

export function chooseGeometry(options: GeometryOptions): Geometry {
  const { sizeBytes, inodeRatio = DEFAULT_INODE_RATIO } = options;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > MAX_SIZE_BYTES) {
    throw new Ext4Error(
      "BAD_OPTION",
      `cannot make an ext4 file system of ${sizeBytes} bytes: want at most ${MAX_SIZE_BYTES}`,
    );
  }
  if (!(inodeRatio >= 1024 && inodeRatio <= 2 ** 26)) {
    throw new Ext4Error("BAD_OPTION", `cannot use one inode for ${inodeRatio} bytes: want 1024 to ${2 ** 26}`);
  }
  const blockCount = Math.min(Math.floor(sizeBytes / BLOCK_SIZE), 2 ** 32 - 1);
  const geometry = geometryOf(blockCount, options, inodeRatio);
  const rest = blockCount % BLOCKS_PER_GROUP;
  if (geometry.groupCount === 1 || rest === 0) return geometry;
  const base = hasBackup(geometry.groupCount - 1)
    ? 1 + geometry.descriptorBlocks + geometry.reservedDescriptorBlocks
    : 0;
  if (rest >= base + 2 + geometry.inodeTableBlocks + LAST_GROUP_MIN_FREE) return geometry;
  return geometryOf(blockCount - rest, options, inodeRatio);
}

function geometryOf(blockCount: number, options: GeometryOptions, inodeRatio: number): Geometry {
  const groupCount = Math.max(ceilDiv(blockCount, BLOCKS_PER_GROUP), 1);
  const inodesPerGroup = inodesPerGroupOf(blockCount, groupCount, options.usedInodes, inodeRatio);
  const inodeTableBlocks = inodesPerGroup / INODES_PER_BLOCK;
  const descriptorBlocks = ceilDiv(groupCount, DESCRIPTORS_PER_BLOCK);
  const reservedDescriptorBlocks = reservedBlocks(blockCount, descriptorBlocks, options.maxSizeBytes);
  const copies = 1 + backupGroups(groupCount).length;
  return {
    blockCount,
    groupCount,
    inodesPerGroup,
    inodeCount: inodesPerGroup * groupCount,
    inodeTableBlocks,
    descriptorBlocks,
    reservedDescriptorBlocks,
    journalBlocks: journalBlocksFor(blockCount),
    fixedBlocks: copies * (1 + descriptorBlocks + reservedDescriptorBlocks) + groupCount * (2 + inodeTableBlocks),
  };
}

/** By the ratio, but at least a quarter more than will be used. */
function inodesPerGroupOf(blockCount: number, groupCount: number, usedInodes: number, inodeRatio: number): number {
  const byRatio = (blockCount * BLOCK_SIZE) / inodeRatio;
  const byUse = usedInodes * 1.25 + 64;
  const perGroup = alignUp(Math.ceil(Math.max(byRatio, byUse) / groupCount), INODES_PER_BLOCK);
  return Math.min(perGroup, MAX_INODES_PER_GROUP);
}

function reservedBlocks(blockCount: number, descriptorBlocks: number, maxSizeBytes: number | undefined): number {
  const wanted = Math.min(maxSizeBytes ?? blockCount * BLOCK_SIZE * DEFAULT_GROWTH, MAX_GROWN_BYTES);
  const groups = ceilDiv(wanted, BLOCK_SIZE * BLOCKS_PER_GROUP);
  // 2 TiB are 256 descriptor blocks, well below the 1,024 that the resize inode can map.
  return Math.max(ceilDiv(groups, DESCRIPTORS_PER_BLOCK) - descriptorBlocks, 0);
}

/** Size of file system and of journal in blocks, as mke2fs pairs them. */
const JOURNAL_SIZES = [
  [2048, 0],
  [32_768, 1024],
  [262_144, 4096],
  [524_288, 8192],
  [4_194_304, 16_384],
  [8_388_608, 32_768],
  [16_777_216, 65_536],
  [33_554_432, 131_072],
] as const;

function journalBlocksFor(blockCount: number): number {
  return JOURNAL_SIZES.find(([below]) => blockCount < below)?.[1] ?? 262_144;
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

/** True for the groups other than 0 that begin with a copy of superblock and descriptors. */
export function hasBackup(group: number): boolean {
  return group === 1 || (group > 1 && (isPowerOf(3, group) || isPowerOf(5, group) || isPowerOf(7, group)));
}

/** The groups with a copy, ascending, without group 0. */
export function backupGroups(groupCount: number): number[] {
  const groups = groupCount > 1 ? [1] : [];
  for (const base of [3, 5, 7]) for (let power = base; power < groupCount; power *= base) groups.push(power);
  return groups.sort((a, b) => a - b);
}

/** Where each group's metadata lies. Call it only when `fixedBlocks` fit. */
export function layoutGroups(geometry: Geometry): GroupLayout[] {
  const baseBlocks = 1 + geometry.descriptorBlocks + geometry.reservedDescriptorBlocks;
  const groups: GroupLayout[] = [];
  for (let leader = 0; leader < geometry.groupCount; leader += GROUPS_PER_FLEX) {
    const members = Math.min(GROUPS_PER_FLEX, geometry.groupCount - leader);
    const place = placer(leader * BLOCKS_PER_GROUP, baseBlocks);
    const blockBitmaps = Array.from({ length: members }, () => place(1));
    const inodeBitmaps = Array.from({ length: members }, () => place(1));
    const inodeTables = Array.from({ length: members }, () => place(geometry.inodeTableBlocks));
    for (let member = 0; member < members; member++) {
      const group = leader + member;
      const firstBlock = group * BLOCKS_PER_GROUP;
      groups.push({
        firstBlock,
        blockCount: Math.min(BLOCKS_PER_GROUP, geometry.blockCount - firstBlock),
        blockBitmapAt: blockBitmaps[member] as number,
        inodeBitmapAt: inodeBitmaps[member] as number,
        inodeTableAt: inodeTables[member] as number,
        baseBlocks: group === 0 || hasBackup(group) ? baseBlocks : 0,
      });
    }
  }
  return groups;
}

/** Hands out contiguous blocks from `start` on, around the copies at the start of groups. */
function placer(start: number, baseBlocks: number): (count: number) => number {
  let next = start;
  return (count) => {
    for (let group = Math.floor(next / BLOCKS_PER_GROUP); group * BLOCKS_PER_GROUP < next + count; group++) {
      const groupStart = group * BLOCKS_PER_GROUP;
      if (group !== 0 && !hasBackup(group)) continue;
      if (next < groupStart + baseBlocks && next + count > groupStart) next = groupStart + baseBlocks;
    }
    const at = next;
    next += count;
    return at;
  };
}

/** The blocks that hold fixed metadata: sorted, disjoint, merged where they touch. */
export function fixedRanges(geometry: Geometry, groups: readonly GroupLayout[]): BlockRange[] {
  const ranges = groups.flatMap((group): BlockRange[] => [
    { start: group.firstBlock, end: group.firstBlock + group.baseBlocks },
    { start: group.blockBitmapAt, end: group.blockBitmapAt + 1 },
    { start: group.inodeBitmapAt, end: group.inodeBitmapAt + 1 },
    { start: group.inodeTableAt, end: group.inodeTableAt + geometry.inodeTableBlocks },
  ]);
  const merged: { start: number; end: number }[] = [];
  for (const range of ranges.filter((each) => each.end > each.start).sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && last.end >= range.start) last.end = Math.max(last.end, range.end);
    else merged.push({ ...range });
  }
  return merged;
}
