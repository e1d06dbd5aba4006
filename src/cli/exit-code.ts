// Exit codes, mapped from error codes in this one place (sysexits(3) where it has a word for it).
import { isAbort, SlipwayError } from "../base/errors.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, unavailable: 69, denied: 77, interrupted: 130 } as const;

/** What the user typed is wrong: by class and code, since formats have codes of the same names for what they are given. */
const USAGE_ERRORS: ReadonlySet<string> = new Set([
  "SizeError.BAD_SIZE",
  "UsageError.BAD_OPTION",
  "DiskError.BAD_OPTION",
  "VmError.BAD_OPTION",
  "OciError.BAD_REFERENCE",
  "OciError.BAD_PLATFORM",
  "OciError.UNCONFIRMED",
  "MediaError.BAD_OPTION",
  "DebianBaseError.BAD_OPTION",
  "SignatureError.BAD_IDENTITY",
  "RegistryServerError.BAD_OPTION",
  "SettingsError.BAD_OPTION",
  "PromptError.NO_TERMINAL",
]);

const BY_CODE: Readonly<Record<string, number>> = {
  NOT_INSTALLED: EXIT.unavailable,
  ABORTED: EXIT.interrupted,
  UNAUTHORIZED: EXIT.denied,
  DENIED: EXIT.denied,
  BLOCKED: EXIT.denied,
  UNREACHABLE: EXIT.unavailable,
  RATE_LIMITED: EXIT.unavailable,
  TIMEOUT: EXIT.unavailable,
};

export function exitCodeOf(error: unknown): number {
  if (isAbort(error)) return EXIT.interrupted;
  if (!(error instanceof SlipwayError)) return EXIT.failed;
  if (USAGE_ERRORS.has(`${error.name}.${error.code}`)) return EXIT.usage;
  return BY_CODE[error.code] ?? EXIT.failed;
}
