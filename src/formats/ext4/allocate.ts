// Hands out blocks from the front to the back around the fixed metadata. Nothing is ever freed, so everything below the
// cursor is in use, and the block bitmaps follow from the cursor and the fixed ranges alone.
import { Ext4Error } from "./errors.ts";
import type { BlockRange } from "./geometry.ts";

/** `count` contiguous blocks from `start`. */
export interface BlockRun {
  readonly start: number;
  readonly count: number;
}

export class BlockAllocator {
  readonly #fixed: readonly BlockRange[];
  readonly #blockCount: number;
  /** First block that may still be free. */
  #cursor = 0;
  /** The first fixed range that does not end before the cursor. */
  #nextFixed = 0;

  constructor(fixed: readonly BlockRange[], blockCount: number) {
    this.#fixed = fixed;
    this.#blockCount = blockCount;
  }

  /** Everything below is in use. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Throws NO_SPACE. More than one run only where fixed metadata is in the way. */
  allocate(count: number): BlockRun[] {
    const runs: BlockRun[] = [];
    for (let left = count; left > 0;) {
      const run = this.#take(left);
      runs.push(run);
      left -= run.count;
    }
    return runs;
  }

  #take(wanted: number): BlockRun {
    let range = this.#fixed[this.#nextFixed];
    if (range !== undefined && range.start <= this.#cursor) {
      this.#cursor = range.end;
      range = this.#fixed[++this.#nextFixed];
    }
    const end = range?.start ?? this.#blockCount;
    const count = Math.min(wanted, end - this.#cursor);
    if (count <= 0) {
      throw new Ext4Error("NO_SPACE", `cannot lay out the ext4 file system: all ${this.#blockCount} blocks are in use`);
    }
    const start = this.#cursor;
    this.#cursor += count;
    return { start, count };
  }
}

/** Sets the bits of one group: fixed ranges, allocated blocks, and padding behind the group's end. */
export function blockBitmap(
  bitmap: Uint8Array,
  group: { readonly firstBlock: number; readonly blockCount: number },
  fixed: readonly BlockRange[],
  cursor: number,
): void {
  const end = group.firstBlock + group.blockCount;
  setBits(bitmap, 0, Math.min(cursor, end) - group.firstBlock);
  for (const range of rangesWithin(fixed, group.firstBlock, end)) {
    setBits(bitmap, range.start - group.firstBlock, range.end - group.firstBlock);
  }
  setBits(bitmap, group.blockCount, bitmap.length * 8);
}

/** Blocks in use of the blocks from `start` to `end`. */
export function usedBlocks(fixed: readonly BlockRange[], cursor: number, start: number, end: number): number {
  const allocatedEnd = Math.min(Math.max(cursor, start), end);
  return rangesWithin(fixed, allocatedEnd, end).reduce(
    (sum, range) => sum + range.end - range.start,
    allocatedEnd - start,
  );
}

/** The parts of sorted ranges between `start` and `end`. */
function rangesWithin(ranges: readonly BlockRange[], start: number, end: number): BlockRange[] {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((ranges[middle] as BlockRange).end <= start) low = middle + 1;
    else high = middle;
  }
  const found: BlockRange[] = [];
  for (let index = low; index < ranges.length; index++) {
    const range = ranges[index] as BlockRange;
    if (range.start >= end) break;
    found.push({ start: Math.max(range.start, start), end: Math.min(range.end, end) });
  }
  return found;
}

/** Sets bits `from` up to but without `to`; bit 0 is the lowest of byte 0. */
export function setBits(bitmap: Uint8Array, from: number, to: number): void {
  let bit = Math.max(from, 0);
  for (; bit < to && bit % 8 !== 0; bit++) setBit(bitmap, bit);
  const wholeEnd = to - (to % 8);
  if (wholeEnd > bit) {
    bitmap.fill(0xff, bit / 8, wholeEnd / 8);
    bit = wholeEnd;
  }
  for (; bit < to; bit++) setBit(bitmap, bit);
}

function setBit(bitmap: Uint8Array, bit: number): void {
  const at = Math.floor(bit / 8);
  bitmap[at] = (bitmap[at] as number) | (1 << (bit % 8));
}
