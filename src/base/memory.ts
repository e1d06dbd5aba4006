// What the memory of this process may cost. V8 lets garbage grow to a multiple of what lives, which is fast, and far more
// than 300 MB once hundreds of thousands of small objects live (the trees of an image with very many files).
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/**
 * For a process that streams. Buffers count against the limit of the whole heap, not against one of their own that full
 * collections keep: those of the young generation free them, in a millisecond. And when V8 does mark the heap, it does
 * so in one go: its helper threads would take the processors from those that inflate and hash.
 */
export function collectForStreams(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--no-incremental-marking");
}

/** From here on garbage is collected early: about a third slower where many objects are made, half the memory. */
export function collectEagerly(): void {
  setFlagsFromString("--no-external-memory-accounted-in-global-limit");
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
