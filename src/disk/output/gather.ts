// Reads a disk once for all its encoders: the runs that hold data, grain by grain, packed into chunks of 4 MiB. Two
// buffers take turns: while encoders write the one, the other is filled. Holes are never read.
import { type Content, dataRuns, readContent } from "../../base/io/index.ts";

export const CHUNK_BYTES: number = 4 * 1024 * 1024;

/** `length` bytes of the disk from `at`, found in the chunk at `start`. */
export interface Segment {
  readonly at: number;
  readonly start: number;
  readonly length: number;
}

export interface Chunk {
  /** Whole grains; beyond the end of the disk zeros. */
  readonly bytes: Uint8Array;
  /** In disk order; they cover `bytes` without gaps. */
  readonly segments: readonly Segment[];
}

export interface GatherOptions {
  /** A power of two, at most CHUNK_BYTES. */
  readonly grainBytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

/** Feeds every chunk in disk order. The next is read while the promise of the last one is pending. */
export async function gather(
  disk: Content,
  feed: (chunk: Chunk) => Promise<void>,
  options: GatherOptions,
): Promise<void> {
  const runs = dataRuns(disk, options.grainBytes);
  const bytesTotal = runs.reduce((sum, run) => sum + run.length, 0);
  const buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, bytesTotal)));
  const pending: Promise<void>[] = buffers.map(() => Promise.resolve());
  let bytesDone = 0;
  let turn = 0;
  try {
    for (const segments of packSegments(runs)) {
      await pending[turn];
      options.signal?.throwIfAborted();
      const bytes = await fill(disk, segments, buffers[turn] as Buffer);
      const fed = feed({ bytes, segments }).then(() => {
        bytesDone += bytes.length;
        options.onProgress?.(bytesDone, bytesTotal);
      });
      // Awaited when the buffer's turn comes again; until then a failure must not count as unhandled.
      fed.catch(() => undefined);
      pending[turn] = fed;
      turn = 1 - turn;
    }
    await Promise.all(pending);
  } finally {
    // Nobody may close a file that a write is still under way to.
    await Promise.allSettled(pending);
  }
}

/** Runs cut and packed into chunks; every chunk but the last is full. */
function* packSegments(runs: readonly { readonly at: number; readonly length: number }[]): Generator<Segment[]> {
  let segments: Segment[] = [];
  let start = 0;
  for (const run of runs) {
    for (let done = 0; done < run.length;) {
      const length = Math.min(run.length - done, CHUNK_BYTES - start);
      segments.push({ at: run.at + done, start, length });
      done += length;
      start += length;
      if (start < CHUNK_BYTES) continue;
      yield segments;
      segments = [];
      start = 0;
    }
  }
  if (segments.length > 0) yield segments;
}

async function fill(disk: Content, segments: readonly Segment[], buffer: Buffer): Promise<Uint8Array> {
  let end = 0;
  for (const { at, start, length } of segments) {
    const inside = Math.min(length, disk.sizeBytes - at);
    await readContent(disk, at, buffer.subarray(start, start + inside));
    end = start + length;
    buffer.fill(0, start + inside, end);
  }
  return buffer.subarray(0, end);
}
