// The name that was probably meant.

const MAX_NAME = 40;

/** `Did you mean X?`, or undefined when nothing is near. */
export function suggestion(
  name: string,
  known: Iterable<string>,
  shown = (each: string): string => each,
): string | undefined {
  let best: string | undefined;
  // A third of the letters may be wrong.
  let least = Math.floor(Math.max(name.length, 3) / 3) + 1;
  if (name.length > MAX_NAME) return undefined;
  for (const each of known) {
    const distance = editDistance(name.toLowerCase(), each.toLowerCase());
    if (distance < least) [best, least] = [each, distance];
  }
  return best === undefined ? undefined : `Did you mean ${shown(best)}?`;
}

/** Letters to insert, remove, replace or swap with their neighbour. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next.push(cost);
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
