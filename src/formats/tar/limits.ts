// The caps on tar input: one table. Each is a default, and each becomes an option of the commands that read images.
import { type TarError, tarError } from "./error.ts";

export interface TarLimits {
  readonly maxEntries: number;
  readonly maxPathBytes: number;
  readonly maxPaxBytes: number;
  readonly maxXattrBytes: number;
  readonly maxEntryBytes: number;
  readonly maxTotalBytes: number;
  readonly maxSparseSpans: number;
}

export interface TarLimitFacts {
  readonly value: number;
  /** Option of the command line that raises it. */
  readonly option: string;
  readonly what: string;
}

export const TAR_LIMITS: Readonly<Record<keyof TarLimits, TarLimitFacts>> = {
  maxEntries: { value: 2_000_000, option: "--max-entries", what: "entries in an archive" },
  maxPathBytes: { value: 4096, option: "--max-path-bytes", what: "bytes in a path or link target" },
  maxPaxBytes: { value: 1024 ** 2, option: "--max-pax-bytes", what: "bytes in an extended header" },
  maxXattrBytes: {
    value: 64 * 1024,
    option: "--max-xattr-bytes",
    what: "bytes in the extended attributes of one entry",
  },
  maxEntryBytes: { value: 256 * 1024 ** 3, option: "--max-entry-bytes", what: "bytes in one file" },
  maxTotalBytes: { value: 1024 ** 4, option: "--max-total-bytes", what: "bytes in all files of an archive" },
  maxSparseSpans: { value: 1_000_000, option: "--max-sparse-spans", what: "data runs of sparse files in an archive" },
};

export const DEFAULT_TAR_LIMITS: TarLimits = Object.fromEntries(
  Object.entries(TAR_LIMITS).map(([name, facts]) => [name, facts.value]),
) as unknown as TarLimits;

/** The largest value met of each thing that has a cap. */
export type TarPeaks = Record<keyof TarLimits, number>;

/** Holds input against the caps, and remembers how close it came. */
export class LimitMeter {
  readonly limits: TarLimits;
  readonly peaks: TarPeaks;

  constructor(limits: TarLimits) {
    this.limits = limits;
    this.peaks = Object.fromEntries(Object.keys(TAR_LIMITS).map((name) => [name, 0])) as TarPeaks;
  }

  /** Throws TarError LIMIT. */
  check(name: keyof TarLimits, found: number, offset: number): void {
    if (found <= this.peaks[name]) return;
    this.peaks[name] = found;
    if (found > this.limits[name]) throw limitError(this.limits, name, found, offset);
  }
}

/** Throws TarError LIMIT when input that was read under other caps is above these. */
export function assertWithinLimits(peaks: TarPeaks, limits: TarLimits): void {
  const meter = new LimitMeter(limits);
  for (const name of Object.keys(TAR_LIMITS) as (keyof TarLimits)[]) meter.check(name, peaks[name], 0);
}

function limitError(limits: TarLimits, name: keyof TarLimits, found: number, offset: number): TarError {
  const { option, what } = TAR_LIMITS[name];
  return tarError("LIMIT", offset, `${found} ${what}, more than the ${limits[name]} allowed`, {
    hint: `Raise the limit with ${option} if you trust this input`,
  });
}
