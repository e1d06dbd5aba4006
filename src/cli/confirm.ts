// A question on the terminal, before something is removed.
import type { Context } from "./context.ts";
import { ask, isInteractive } from "./prompt.ts";

/** False when the answer is not yes; undefined when there is nobody to ask. */
export async function confirm(context: Context, question: string): Promise<boolean | undefined> {
  if (context.json || !isInteractive()) return undefined;
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `, { instead: "Give --yes", signal: context.signal })).trim());
}
