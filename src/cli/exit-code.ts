// Exit codes, mapped from error codes in this one place (sysexits(3) where it has a word for it).
import { SlipwayError } from "../base/errors.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, unavailable: 69, denied: 77, interrupted: 130 } as const;

/** What the user typed is wrong: by class and code, since formats have codes of the same names for what they are given. */
const USAGE_ERRORS: ReadonlySet<string> = new Set([
  "SizeError.BAD_SIZE",
  "UsageError.BAD_OPTION",
  "DiskError.BAD_OPTION",
  "VmError.BAD_OPTION",
  "DebianBaseError.BAD_OPTION",
]);

const BY_CODE: Readonly<Record<string, number>> = {
  NOT_INSTALLED: EXIT.unavailable,
  ABORTED: EXIT.interrupted,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof Error && error.name === "AbortError") return EXIT.interrupted;
  if (!(error instanceof SlipwayError)) return EXIT.failed;
  if (USAGE_ERRORS.has(`${error.name}.${error.code}`)) return EXIT.usage;
  return BY_CODE[error.code] ?? EXIT.failed;
}
