// Notices a peer that is waited for and moves too little: nothing at all, or a byte now and then. Time in which this
// side is busy does not count.
import type { RemoteLimits } from "./limits.ts";

/** Samples of `waiting` in one span; a span counts when this side waited in all of them. */
const SAMPLES = 8;

export class StallWatch implements Disposable {
  /** The other side's turn. */
  waiting = false;
  readonly #timer: NodeJS.Timeout;
  #movedBytes = 0;
  #waitedSamples = 0;

  /** `onStall` may be called more than once. */
  constructor(limits: RemoteLimits, onStall: () => void) {
    this.#timer = setInterval(() => {
      if (!this.waiting || ++this.#waitedSamples < SAMPLES) return;
      if (this.#movedBytes < limits.minStallBytes) onStall();
      this.#waitedSamples = 0;
      this.#movedBytes = 0;
    }, limits.stallMs / SAMPLES);
  }

  moved(bytes: number): void {
    this.#movedBytes += bytes;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
