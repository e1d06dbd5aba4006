/** Where an image differs from what was wanted, line by line. */
import type { Listing } from "./build-listing.ts";

/** Empty when they agree. */
export function differences(ours: Listing, wanted: Listing): string[] {
  return [...between(ours.config, wanted.config), ...between(ours.tree, wanted.tree)];
}

function between(ours: readonly string[], wanted: readonly string[]): string[] {
  const timeless = new Set(wanted.filter(isMadeOnTheWay).map(withoutTime));
  const extra = ours.filter((line) => !wanted.includes(line) && !timeless.has(withoutTime(line)));
  const known = new Set(ours.map(withoutTime));
  const missing = wanted.filter(
    (line) => !ours.includes(line) && !(isMadeOnTheWay(line) && known.has(withoutTime(line))),
  );
  return [...extra.map((line) => `ours:   ${line}`), ...missing.map((line) => `wanted: ${line}`)];
}

/**
 * A directory that an instruction made for what it puts there: nothing says which time it has. buildah leaves it to the
 * clock; ours is that of its newest file, so that the layer is the same each time.
 */
function isMadeOnTheWay(line: string): boolean {
  return /^\+ .* directory \d{4} \d+:\d+.* now$/.test(line);
}

function withoutTime(line: string): string {
  return line.replace(/^(\+ .* directory \d{4} \d+:\d+.*) (now|\d+)$/, "$1");
}
