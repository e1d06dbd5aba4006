// The one error shape of Slipway. An area defines a subclass over a closed union of codes:
//
//   export class TarError extends SlipwayError<"TRUNCATED" | "BAD_CHECKSUM"> {}
//
// Message grammar: what was attempted, then what was found, then what was wanted. No final period.
// The hint is one imperative sentence: what to do. Errors are printed in one place (cli) and mapped to
// exit codes in one place (cli/exit-code.ts).

export interface SlipwayErrorOptions {
  /** One imperative sentence that tells the user what to do. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** JSON-safe facts for `--json`: paths, offsets, digests. */
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
}

export class SlipwayError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: Code, message: string, options: SlipwayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.data = options.data ?? {};
  }

  toJSON(): Record<string, unknown> {
    return {
      error: this.name,
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...this.data,
    };
  }
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, …), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** A one-line text for any thrown thing. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What an AbortSignal throws: somebody pressed Ctrl-C. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
