// Which parts of a buffer are worth writing to a sparse file: everything but long runs of zero blocks.
import { isZero } from "../bytes/index.ts";

const BLOCK_BYTES = 4096;
/** A shorter stretch of zeros between data is cheaper to write than to leave out: a hole costs an extent. */
const MIN_HOLE_BYTES = 4 * BLOCK_BYTES;

/** The parts [from, to) of a stretch of data without long runs of zero blocks, and without zero blocks at its ends. */
export function* stretches(bytes: Uint8Array): Generator<readonly [from: number, to: number]> {
  let from = -1;
  let to = 0;
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const end = Math.min(at + BLOCK_BYTES, bytes.length);
    // Two bytes decide for nearly every block that holds data.
    if (bytes[at] === 0 && bytes[end - 1] === 0 && isZero(bytes.subarray(at, end))) continue;
    if (from >= 0 && at - to >= MIN_HOLE_BYTES) {
      yield [from, to];
      from = -1;
    }
    if (from < 0) from = at;
    to = end;
  }
  if (from >= 0) yield [from, to];
}
