// What the memory of this process may cost. V8 lets garbage grow to a multiple of what lives, which is fast, and far more
// than 300 MB once hundreds of thousands of small objects live (the trees of an image with very many files).
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What buffers may take, dead ones with those in use. */
const MAX_BUFFER_BYTES = 64 * 1024 ** 2;

/** "last-resort" also shrinks the young generation, which otherwise keeps the largest size that it ever had. */
type Flavor = "regular" | "last-resort";

/** Of V8, as they are when nobody sets them. */
const DEFAULTS = {
  externalMemory: "--no-external-memory-accounted-in-global-limit",
  marking: "--incremental-marking",
  growth: "--heap-growing-percent=0",
  youngGrowth: "--semi-space-growth-factor=2",
  gc: "--no-expose-gc",
} as const;

const changed = new Set<keyof typeof DEFAULTS>();
let isEager = false;
let gc: ((options: { type: "major"; execution: "sync"; flavor: Flavor }) => void) | undefined;

/**
 * For a process that streams. Buffers count against the limit of the whole heap, not against one of their own that full
 * collections keep: those of the young generation free them, in a millisecond. And when V8 does mark the heap, it does
 * so in one go: its helper threads would take the processors from those that inflate and hash.
 */
export function collectForStreams(): void {
  setFlag("externalMemory", "--external-memory-accounted-in-global-limit");
  setFlag("marking", "--no-incremental-marking");
}

/** Between chunks of a stream of which many objects are made: its buffers grow old with them, and die unnoticed. */
export function collectOldBuffers(): void {
  if (getHeapStatistics().external_memory > MAX_BUFFER_BYTES) collect("regular");
}

/** From here on garbage is collected early, and the young generation stays small. */
export function collectEagerly(): void {
  isEager = true;
  setFlag("externalMemory", DEFAULTS.externalMemory);
  setFlag("growth", "--heap-growing-percent=40");
  setFlag("youngGrowth", "--semi-space-growth-factor=1");
  // The flags count from the next collection on.
  collect("last-resort");
}

/** Between steps that leave much garbage: collects it, if memory is what matters. */
export function collectBetweenSteps(): void {
  if (isEager) collect("last-resort");
}

/** When all is done: V8 takes compiled code only where the flags are those that it was written with (launcher.ts). */
export function restoreFlags(): void {
  for (const name of changed) setFlagsFromString(DEFAULTS[name]);
}

function setFlag(name: keyof typeof DEFAULTS, flag: string): void {
  changed.add(name);
  setFlagsFromString(flag);
}

function collect(flavor: Flavor): void {
  if (gc === undefined) {
    setFlag("gc", "--expose-gc");
    gc = runInNewContext("gc") as NonNullable<typeof gc>;
  }
  gc({ type: "major", execution: "sync", flavor });
}
