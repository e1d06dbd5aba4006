// Exit codes, mapped from error codes in this one place (sysexits(3) where it has a word for it).
import { SlipwayError } from "../base/errors.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, unavailable: 69, denied: 77, interrupted: 130 } as const;

const BY_ERROR_CODE: Readonly<Record<string, number>> = {
  USAGE: EXIT.usage,
  BAD_OPTION: EXIT.usage,
  BAD_SIZE: EXIT.usage,
  NOT_INSTALLED: EXIT.unavailable,
  UNAVAILABLE: EXIT.unavailable,
  DENIED: EXIT.denied,
  ABORTED: EXIT.interrupted,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof Error && error.name === "AbortError") return EXIT.interrupted;
  return error instanceof SlipwayError ? (BY_ERROR_CODE[error.code] ?? EXIT.failed) : EXIT.failed;
}
