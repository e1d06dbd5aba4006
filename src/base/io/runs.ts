// Where a Content holds data, in whole grains: what a sparse file or a disk image with clusters has to store.
import type { Content } from "./content.ts";

export interface DataRun {
  /** Both multiples of the grain; the last run may reach past `sizeBytes`. */
  readonly at: number;
  readonly length: number;
}

/** The runs of grains that an extent touches: sorted, apart, as long as they can be. */
export function dataRuns(content: Content, grainBytes: number): DataRun[] {
  const runs: { at: number; length: number }[] = [];
  let current: { at: number; length: number } | undefined;
  for (const extent of content.extents) {
    if (extent.length === 0) continue;
    const at = Math.floor(extent.at / grainBytes) * grainBytes;
    const end = Math.ceil((extent.at + extent.length) / grainBytes) * grainBytes;
    if (current !== undefined && at <= current.at + current.length) {
      current.length = Math.max(current.length, end - current.at);
    } else {
      current = { at, length: end - at };
      runs.push(current);
    }
  }
  return runs;
}
