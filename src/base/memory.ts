// What the memory of this process may cost. V8 lets garbage grow to a multiple of what lives, which is fast, and far more
// than 300 MB once hundreds of thousands of small objects live (the trees of an image with very many files).
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/**
 * From here on a collection marks in one go. Buffers of streams make V8 collect often; on a small heap that takes some
 * milliseconds, while its helper threads for marking in the background take the processors from the decompressor.
 */
export function collectAtOnce(): void {
  setFlagsFromString("--no-incremental-marking");
}

/** From here on garbage is collected early: about a third slower where many objects are made, half the memory. */
export function collectEagerly(): void {
  setFlagsFromString("--heap-growing-percent=20");
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--expose-gc");
  collect = runInNewContext("gc") as () => void;
  // The flags count from the next collection on.
  collect();
}

/** Between steps that leave much garbage: collects it, if memory is what matters. */
export function collectBetweenSteps(): void {
  collect?.();
}
