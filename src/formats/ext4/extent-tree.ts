// The map from a file's blocks to blocks on disk: up to four extents in the inode, else a tree of blocks with 340
// entries and a checksum tail each. Source: Documentation/filesystems/ext4/ifork.rst.
import { crc32cUpdate, viewOf } from "../../base/bytes/index.ts";
import type { BlockRun } from "./allocate.ts";
import { BLOCK_SIZE, EXTENT } from "./format.ts";

/** `count` blocks of a file from its block `logical`, found on disk at block `physical`. */
export interface FileExtent {
  readonly logical: number;
  readonly physical: number;
  readonly count: number;
}

/** A block of the tree, still without its checksum. */
interface TreeBlock {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface ExtentTree {
  /** i_block: 60 bytes. */
  readonly root: Uint8Array;
  readonly blocks: readonly TreeBlock[];
}

/** Extents of the blocks from `logical` on that lie in `runs`; each as long as an extent may be. */
export function extentsOf(logical: number, runs: readonly BlockRun[]): FileExtent[] {
  const extents: FileExtent[] = [];
  let next = logical;
  for (const run of runs) {
    for (let done = 0; done < run.count;) {
      const count = Math.min(run.count - done, EXTENT.maxBlocks);
      extents.push({ logical: next, physical: run.start + done, count });
      next += count;
      done += count;
    }
  }
  return extents;
}

/** Blocks that the tree of so many extents needs beside the inode. */
export function treeBlockCount(extentCount: number): number {
  let total = 0;
  for (let entries = extentCount; entries > EXTENT.rootEntries;) {
    entries = Math.ceil(entries / EXTENT.blockEntries);
    total += entries;
  }
  return total;
}

/**
 * Builds the tree. `takeBlock` gives the place of one tree block; it is called exactly `treeBlockCount(extents.length)`
 * times. `seed` is the inode's checksum seed.
 */
export function buildExtentTree(extents: readonly FileExtent[], seed: number, takeBlock: () => number): ExtentTree {
  const blocks: TreeBlock[] = [];
  let depth = 0;
  let level: readonly FileExtent[] = extents;
  while (level.length > EXTENT.rootEntries) {
    const parents: FileExtent[] = [];
    for (let from = 0; from < level.length; from += EXTENT.blockEntries) {
      const entries = level.slice(from, from + EXTENT.blockEntries);
      const bytes = encodeNode(BLOCK_SIZE, entries, depth, EXTENT.blockEntries);
      const tailAt = EXTENT.headerSize + EXTENT.blockEntries * EXTENT.entrySize;
      viewOf(bytes).setUint32(tailAt, crc32cUpdate(seed, bytes.subarray(0, tailAt)), true);
      const at = takeBlock();
      blocks.push({ at, bytes });
      parents.push({ logical: entries[0]?.logical ?? 0, physical: at, count: 0 });
    }
    level = parents;
    depth++;
  }
  return { root: encodeNode(ROOT_SIZE, level, depth, EXTENT.rootEntries), blocks };
}

const ROOT_SIZE = 60;
/** One view for all nodes: there is a root in every inode, and views are dear. */
const scratch = new Uint8Array(BLOCK_SIZE);
const view: DataView = viewOf(scratch);

function encodeNode(sizeBytes: number, entries: readonly FileExtent[], depth: number, limit: number): Uint8Array {
  scratch.fill(0, 0, sizeBytes);
  view.setUint16(0, EXTENT.magic, true);
  view.setUint16(2, entries.length, true);
  view.setUint16(4, limit, true);
  view.setUint16(6, depth, true);
  entries.forEach((entry, index) => {
    const at = EXTENT.headerSize + index * EXTENT.entrySize;
    const low = entry.physical % 2 ** 32;
    const high = Math.floor(entry.physical / 2 ** 32);
    view.setUint32(at, entry.logical, true);
    if (depth === 0) {
      view.setUint16(at + 4, entry.count, true);
      view.setUint16(at + 6, high, true);
      view.setUint32(at + 8, low, true);
    } else {
      view.setUint32(at + 4, low, true);
      view.setUint16(at + 8, high, true);
    }
  });
  return scratch.slice(0, sizeBytes);
}
