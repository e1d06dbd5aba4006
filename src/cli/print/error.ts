// The one place where errors become text.
import { isAbort, messageOf, SlipwayError } from "../../base/errors.ts";

/** Message, hint, and with `verbose` the chain of causes. What we did not expect comes with its stack. */
export function formatError(error: unknown, verbose: boolean): string {
  if (isAbort(error)) return "slipway: interrupted\n";
  if (!(error instanceof SlipwayError)) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `slipway: unexpected error, this is a bug: ${detail}\n`;
  }
  const lines = [`slipway: ${error.message}`];
  if (error.hint !== undefined) lines.push(`  ${error.hint.replace(/\.$/, "")}.`);
  for (
    let cause: unknown = error.cause;
    verbose && cause !== undefined;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    lines.push(`  because: ${messageOf(cause)}`);
  }
  return `${lines.join("\n")}\n`;
}

export function errorJson(error: unknown): object {
  if (error instanceof SlipwayError) return error.toJSON();
  if (isAbort(error)) return { error: "AbortError", code: "ABORTED", message: "interrupted" };
  return { error: "Unexpected", message: messageOf(error) };
}
