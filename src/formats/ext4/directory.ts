// Directories: variable-length entries in blocks that end with a checksum tail; one block is plain, more are a hash
// tree. Source: Documentation/filesystems/ext4/directory.rst.
import { alignUp, crc32cUpdate, viewOf } from "../../base/bytes/index.ts";
import { BLOCK_SIZE, DIRECTORY, FILE_TYPE } from "./format.ts";
import type { HashSeed } from "./hash.ts";
import { encodeIndex, type HtreePlan, planHtree } from "./htree.ts";
import type { FsNode } from "./input.ts";

export interface DirectoryEntry {
  readonly name: string;
  readonly inode: { readonly number: number; readonly node: { readonly type: FsNode["type"] } };
}

export interface DirectoryPlan {
  readonly blockCount: number;
  readonly entries: readonly DirectoryEntry[];
  /** Undefined for a plain directory. */
  readonly index: HtreePlan<DirectoryEntry> | undefined;
}

const LEAF_SPACE: number = BLOCK_SIZE - DIRECTORY.tailSize;

export function entrySize(name: string): number {
  return DIRECTORY.entryHeader + alignUp(name.length, 4);
}

/** Undefined when there are too many names for a tree of two levels. `minBlocks` is for lost+found. */
export function planDirectory(
  entries: readonly DirectoryEntry[],
  seed: HashSeed,
  minBlocks: number = 1,
): DirectoryPlan | undefined {
  const size = entries.reduce((sum, entry) => sum + entrySize(entry.name), entrySize(".") + entrySize(".."));
  if (size <= LEAF_SPACE) return { blockCount: minBlocks, entries, index: undefined };
  const index = planHtree(entries, seed, entrySize);
  if (index === undefined) return undefined;
  return { blockCount: 1 + index.nodeCount + index.leaves.length, entries, index };
}

/** All blocks of a directory. `seed` is the inode's checksum seed. */
export function encodeDirectory(plan: DirectoryPlan, self: number, parent: number, seed: number): Uint8Array {
  const blocks = new Uint8Array(plan.blockCount * BLOCK_SIZE);
  const block = (index: number): Uint8Array => blocks.subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE);
  const dots = [dot(".", self), dot("..", parent)];
  if (plan.index === undefined) {
    encodeLeaf(block(0), [...dots, ...plan.entries], seed);
    for (let index = 1; index < plan.blockCount; index++) encodeLeaf(block(index), [], seed);
    return blocks;
  }
  encodeEntries(block(0), dots, BLOCK_SIZE);
  encodeIndex(plan.index, blocks, seed);
  const firstLeaf = 1 + plan.index.nodeCount;
  plan.index.leaves.forEach((leaf, index) => encodeLeaf(block(firstLeaf + index), leaf.entries, seed));
  return blocks;
}

function dot(name: string, inode: number): DirectoryEntry {
  return { name, inode: { number: inode, node: { type: "directory" } } };
}

function encodeLeaf(block: Uint8Array, entries: readonly DirectoryEntry[], seed: number): void {
  encodeEntries(block, entries, LEAF_SPACE);
  const view = viewOf(block);
  view.setUint16(LEAF_SPACE + 4, DIRECTORY.tailSize, true);
  view.setUint8(LEAF_SPACE + 7, DIRECTORY.tailType);
  view.setUint32(LEAF_SPACE + 8, crc32cUpdate(seed, block.subarray(0, LEAF_SPACE)), true);
}

/** The last entry's length reaches up to `end`; without entries one unused entry does. */
function encodeEntries(block: Uint8Array, entries: readonly DirectoryEntry[], end: number): void {
  const view = viewOf(block);
  let at = 0;
  let lengthAt = 4;
  for (const { name, inode } of entries) {
    const length = entrySize(name);
    view.setUint32(at, inode.number, true);
    lengthAt = at + 4;
    view.setUint16(lengthAt, length, true);
    view.setUint8(at + 6, name.length);
    view.setUint8(at + 7, FILE_TYPE[inode.node.type].entry);
    for (let index = 0; index < name.length; index++) block[at + 8 + index] = name.charCodeAt(index);
    at += length;
  }
  const lastAt = lengthAt - 4;
  view.setUint16(lengthAt, end - lastAt, true);
}
