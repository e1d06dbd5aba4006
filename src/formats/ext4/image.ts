// The file system image while it is laid out: extents that point at metadata in memory or at the files' own sources.
import { type Content, type Extent, firstExtentAfter, MemorySource } from "../../base/io/index.ts";
import type { FileExtent } from "./extent-tree.ts";
import { BLOCK_SIZE } from "./format.ts";

export class ImageBuilder {
  readonly #extents: Extent[] = [];

  /** Metadata from block `block` on. */
  put(block: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#extents.push({
      at: block * BLOCK_SIZE,
      length: bytes.length,
      source: new MemorySource(bytes),
      sourceOffset: 0,
    });
  }

  /** Blocks that are consecutive in `bytes` but lie in several runs on disk. */
  putRuns(runs: readonly { readonly start: number; readonly count: number }[], bytes: Uint8Array): void {
    let done = 0;
    for (const run of runs) {
      this.put(run.start, bytes.subarray(done, done + run.count * BLOCK_SIZE));
      done += run.count * BLOCK_SIZE;
    }
  }

  /** A file's data by reference. What its extents do not cover of a block stays zero. */
  putFile(content: Content, fileExtents: readonly FileExtent[]): void {
    for (const { logical, physical, count } of fileExtents) {
      const start = logical * BLOCK_SIZE;
      const end = start + count * BLOCK_SIZE;
      const shift = (physical - logical) * BLOCK_SIZE;
      for (let index = firstExtentAfter(content.extents, start); index < content.extents.length; index++) {
        const extent = content.extents[index] as Extent;
        if (extent.at >= end) break;
        const from = Math.max(extent.at, start);
        const length = Math.min(extent.at + extent.length, end) - from;
        if (length <= 0) continue;
        this.#extents.push({
          at: from + shift,
          length,
          source: extent.source,
          sourceOffset: extent.sourceOffset + (from - extent.at),
        });
      }
    }
  }

  finish(sizeBytes: number): Content {
    return { sizeBytes, extents: this.#extents.sort((a, b) => a.at - b.at) };
  }
}
