// The caps on untrusted input, from their options.
import { EXPANSION_LIMITS, type ExpansionLimits } from "../base/stream/index.ts";
import { parseSize } from "../base/size.ts";
import { DEFAULT_TAR_LIMITS, TAR_LIMITS, type TarLimits } from "../formats/tar/index.ts";

export interface InputLimits {
  readonly tar: TarLimits;
  readonly expansion: ExpansionLimits;
}

/** Throws BAD_SIZE. */
export function readLimits(options: Readonly<Record<string, unknown>>): InputLimits {
  const tar = { ...DEFAULT_TAR_LIMITS };
  for (const [name, { option }] of Object.entries(TAR_LIMITS) as [keyof TarLimits, { option: string }][]) {
    const value = options[attributeName(option)];
    if (typeof value === "string") Object.assign(tar, { [name]: parseSize(value) });
  }
  const ratio = options["maxExpansion"];
  const maxRatio = typeof ratio === "string" ? parseSize(ratio) : EXPANSION_LIMITS.maxRatio;
  return { tar, expansion: { ...EXPANSION_LIMITS, maxRatio } };
}

/** commander's name for an option: --max-path-bytes becomes maxPathBytes. */
function attributeName(option: string): string {
  return option.replace(/^--/, "").replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
