// Options and variables that several commands read the same way.
import { SlipwayError } from "../base/errors.ts";
import type { Context } from "./context.ts";

export class UsageError extends SlipwayError<"BAD_OPTION"> {}

/** Seconds since 1970; undefined when it is not set. Throws BAD_OPTION. */
export function sourceDateEpoch(env: Context["env"]): number | undefined {
  const text = env["SOURCE_DATE_EPOCH"];
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new UsageError("BAD_OPTION", `cannot read SOURCE_DATE_EPOCH "${text}": want seconds since 1970`);
}
