// Sizes without layout: what a tree needs, what a size offers. The disk planner asks here before a byte is written.
import { Ext4Error } from "./errors.ts";
import { type Census, takeCensus } from "./census.ts";
import { BLOCK_SIZE, BLOCKS_PER_GROUP, MAX_LABEL_BYTES, MAX_SIZE_BYTES } from "./format.ts";
import { chooseGeometry, type Geometry } from "./geometry.ts";
import { hashSeed } from "./hash.ts";
import type { FsDirectory } from "./input.ts";

export interface Ext4Options {
  /** Of the file system: the whole partition. */
  readonly sizeBytes: number;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** 16 bytes; the seed of the directory hash. */
  readonly hashSeed: Uint8Array;
  /** At most 16 bytes of UTF-8; none unless given. */
  readonly label?: string;
  /** Times of the file system itself, and change and birth time of every inode. */
  readonly epochSeconds: number;
  /** One inode for so many bytes; 16,384 unless told otherwise. */
  readonly inodeRatio?: number;
  /** The size it must be able to grow to while mounted; 1,000 times `sizeBytes` unless told otherwise, at most 2 TiB. */
  readonly maxSizeBytes?: number;
  /** Blocks that only root may use, in percent; 5 unless told otherwise. */
  readonly reservedPercent?: number;
}

export interface Ext4Plan {
  readonly sizeBytes: number;
  /** The smallest size that this tree fits into with these options. */
  readonly minimalSizeBytes: number;
  /** File data in whole blocks. */
  readonly fileBytes: number;
  /** Bytes of everything that is not fixed metadata: file data, directories, extent trees, attributes, journal. */
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly usedInodes: number;
  readonly geometry: Geometry;
}

/**
 * One walk over a tree, for several questions: the result can stand for the root in `planExt4`, `minimalExt4Size` and
 * `layoutExt4` as long as the tree, the hash seed and the epoch stay the same.
 */
export function surveyExt4(root: FsDirectory, options: Pick<Ext4Options, "hashSeed" | "epochSeconds">): Census {
  if (options.hashSeed.length !== 16) {
    throw new Ext4Error("BAD_OPTION", `cannot use a hash seed of ${options.hashSeed.length} bytes: want 16`);
  }
  return takeCensus(root, hashSeed(options.hashSeed), options.epochSeconds);
}

/** The smallest size in bytes that a tree fits into. Leaves no room for anything else. */
export function minimalExt4Size(tree: FsDirectory | Census, options: Omit<Ext4Options, "sizeBytes">): number {
  checkOptions(options);
  return minimalSize(censusOf(tree, options), options);
}

export function censusOf(tree: FsDirectory | Census, options: Pick<Ext4Options, "hashSeed" | "epochSeconds">): Census {
  return "inodes" in tree ? tree : surveyExt4(tree, options);
}

/** Throws NO_SPACE when the tree does not fit, and what `takeCensus` refuses. */
export function planExt4(tree: FsDirectory | Census, options: Ext4Options): Ext4Plan {
  checkOptions(options);
  const census = censusOf(tree, options);
  const geometry = geometryFor(census, options.sizeBytes, options);
  const minimalSizeBytes = minimalSize(census, options);
  const free = freeBlocks(census, geometry);
  if (free < 0 || geometry.inodeCount < census.lastInode) {
    throw new Ext4Error(
      "NO_SPACE",
      `cannot lay out the ext4 file system: it needs ${minimalSizeBytes} bytes, it has ${options.sizeBytes}`,
      {
        hint: `Give the file system at least ${Math.ceil(minimalSizeBytes / 2 ** 20)} MiB.`,
        data: { neededBytes: minimalSizeBytes, sizeBytes: options.sizeBytes },
      },
    );
  }
  return {
    sizeBytes: options.sizeBytes,
    minimalSizeBytes,
    fileBytes: census.fileBytes,
    usedBytes: demandedBlocks(census, geometry) * BLOCK_SIZE,
    freeBytes: free * BLOCK_SIZE,
    usedInodes: census.lastInode,
    geometry,
  };
}

function geometryFor(census: Census, sizeBytes: number, options: Omit<Ext4Options, "sizeBytes">): Geometry {
  return chooseGeometry({
    sizeBytes,
    usedInodes: census.lastInode,
    ...(options.inodeRatio === undefined ? {} : { inodeRatio: options.inodeRatio }),
    ...(options.maxSizeBytes === undefined ? {} : { maxSizeBytes: options.maxSizeBytes }),
  });
}

/** Content, journal with its extent tree, and the resize inode's map. */
function demandedBlocks(census: Census, geometry: Geometry): number {
  const journalTree = geometry.journalBlocks > 0 ? 1 : 0;
  return census.blocks + geometry.journalBlocks + journalTree + (geometry.reservedDescriptorBlocks > 0 ? 1 : 0);
}

function freeBlocks(census: Census, geometry: Geometry): number {
  return geometry.blockCount - geometry.fixedBlocks - demandedBlocks(census, geometry);
}

/** Grows from below until everything fits; each step adds what was missing. */
function minimalSize(census: Census, options: Omit<Ext4Options, "sizeBytes">): number {
  let blocks = census.blocks + 16;
  for (;;) {
    if (blocks * BLOCK_SIZE > MAX_SIZE_BYTES) {
      throw new Ext4Error(
        "NO_SPACE",
        `cannot lay out the ext4 file system: it needs ${blocks * BLOCK_SIZE} bytes, ext4 holds ${MAX_SIZE_BYTES}`,
      );
    }
    const geometry = geometryFor(census, blocks * BLOCK_SIZE, options);
    const missing = -freeBlocks(census, geometry);
    if (missing > 0) blocks += missing;
    else if (geometry.inodeCount < census.lastInode) blocks += BLOCKS_PER_GROUP;
    else return blocks * BLOCK_SIZE;
  }
}

function checkOptions(options: Omit<Ext4Options, "sizeBytes">): void {
  const { label = "", reservedPercent = 5 } = options;
  if (options.uuid.length !== 16) {
    throw new Ext4Error("BAD_OPTION", `cannot use a UUID of ${options.uuid.length} bytes: want 16`);
  }
  if (Buffer.byteLength(label) > MAX_LABEL_BYTES) {
    throw new Ext4Error(
      "BAD_OPTION",
      `cannot use label "${label}": it has ${Buffer.byteLength(label)} bytes, want at most ${MAX_LABEL_BYTES}`,
    );
  }
  if (!(reservedPercent >= 0 && reservedPercent <= 50)) {
    throw new Ext4Error("BAD_OPTION", `cannot reserve ${reservedPercent} % of the blocks: want 0 to 50`);
  }
}
