// Durations as Go's time.ParseDuration reads them: "90s", "1h30m", "1.5s", "0".

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
/** 2^63 nanoseconds, the end of Go's durations. */
const MAX_MS = 2 ** 63 / 1e6;

/** Milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([+-]?)(.*)$/s.exec(text);
  const rest = match?.[2] ?? "";
  if (rest === "0") return 0;
  if (rest === "" || rest.length > 100) return undefined;
  let total = 0;
  const part = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;
  while (part.lastIndex < rest.length) {
    const found = part.exec(rest);
    if (found === null) return undefined;
    total += Number(found[1]) * (UNITS_MS[found[2] ?? ""] ?? Number.NaN);
  }
  if (total >= MAX_MS) return undefined;
  return match?.[1] === "-" ? -total : total;
}
