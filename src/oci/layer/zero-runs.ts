// Finds the long runs of zeros in a file that passes by in pieces, the same ones however it is cut: runs of whole 4 KiB
// blocks of the file, at least 64 KiB. They become holes of the file's content, so that no disk stores them.
import { isZero } from "../../base/bytes/index.ts";

const BLOCK_BYTES = 4096;
const MIN_RUN_BLOCKS = 16;

export interface Run {
  readonly at: number;
  readonly length: number;
}

export class ZeroRuns {
  readonly #runs: Run[] = [];
  /** First block of the run of zero blocks that ends before `#block`. */
  #runStart = 0;
  #block = 0;
  /** Bytes of the present block seen so far, and whether all were zero. */
  #filled = 0;
  #zero = true;

  /** The next bytes of the file. */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const end = Math.min(at + BLOCK_BYTES - this.#filled, bytes.length);
      if (this.#zero) this.#zero = bytes[at] === 0 && bytes[end - 1] === 0 && isZero(bytes.subarray(at, end));
      this.#filled += end - at;
      at = end;
      if (this.#filled === BLOCK_BYTES) this.#endBlock();
    }
  }

  /** All runs, in order. */
  finish(): readonly Run[] {
    this.#endRun();
    return this.#runs;
  }

  #endBlock(): void {
    if (!this.#zero) this.#endRun();
    this.#block++;
    if (!this.#zero) this.#runStart = this.#block;
    this.#filled = 0;
    this.#zero = true;
  }

  #endRun(): void {
    const blocks = this.#block - this.#runStart;
    if (blocks >= MIN_RUN_BLOCKS) this.#runs.push({ at: this.#runStart * BLOCK_BYTES, length: blocks * BLOCK_BYTES });
  }
}
