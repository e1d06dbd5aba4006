// Takes secrets out of what a program prints. Bytes that may begin a secret wait for those that follow; all others go on at
// once, so that output stays live.
import { concatBytes } from "../../base/bytes/index.ts";
import { type Search, searchFor } from "./search.ts";
import type { Secret } from "./secret.ts";

const MASKED = Buffer.from("***");
const NOTHING = new Uint8Array();

/** One stream's output: secrets are replaced by `***` in every form that is searched for, also across chunk borders. */
export class Mask {
  readonly #search: Search;
  #held: Uint8Array = NOTHING;
  /** So many of the held bytes belong to a secret that was replaced already. */
  #coveredBytes = 0;

  constructor(secrets: readonly Secret[]) {
    this.#search = searchFor(secrets);
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#search.isEmpty) return chunk;
    const bytes = concatBytes([this.#held, chunk]);
    return this.#release(bytes, this.#search.unfinishedFrom(bytes));
  }

  /** What still waits, at the end of the stream. */
  flush(): Uint8Array {
    return this.#release(this.#held, this.#held.length);
  }

  /** Everything before `end`, masked; what follows is held back. */
  #release(bytes: Uint8Array, end: number): Uint8Array {
    const found: { start: number; end: number }[] = [];
    this.#search.find(bytes, (start, stop) => found.push({ start, end: stop }));
    const output: Uint8Array[] = [];
    let done = this.#coveredBytes;
    for (const match of found.sort((a, b) => a.start - b.start)) {
      if (match.start >= end) break;
      if (match.start >= done) output.push(bytes.subarray(done, match.start), MASKED);
      done = Math.max(done, match.end);
    }
    if (done < end) output.push(bytes.subarray(done, end));
    this.#coveredBytes = Math.max(0, done - end);
    this.#held = bytes.slice(end);
    return concatBytes(output);
  }
}
