// The pattern forms of variables: ${x#p} ${x##p} ${x%p} ${x%%p} ${x/p/r} ${x//p/r}, and with the anchors of bash ${x/#p/r}
// ${x/%p/r}. In a pattern `*` stands for any characters (slashes and newlines too), `?` for one; brackets are no pattern.
// Time is proportional to value × pattern: nothing backtracks.
import { BuildError } from "../error.ts";
import { MAX_EXPANDED_LENGTH, MAX_PATTERN_LENGTH, MAX_PATTERN_WORK } from "./limits.ts";

/** What stands between two `*`: characters, and undefined for any one. */
type Chunk = readonly (string | undefined)[];

export interface ShellPattern {
  readonly chunks: readonly Chunk[];
  readonly length: number;
}

export function parseShellPattern(text: string, escape: string): ShellPattern {
  if (text.length > MAX_PATTERN_LENGTH)
    throw new BuildError(
      "LIMIT",
      `cannot use a pattern of ${text.length} characters: at most ${MAX_PATTERN_LENGTH} may be`,
    );
  const chunks: (string | undefined)[][] = [[]];
  const chars = Array.from(text);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === "*") chunks.push([]);
    else if (char === "?") chunks.at(-1)?.push(undefined);
    else chunks.at(-1)?.push(char === escape || char === "\\" ? (chars[++at] ?? char) : char);
  }
  return { chunks, length: chars.length };
}

/** `longest`: of the beginnings, or ends, that match. */
export function removeMatch(value: string, pattern: ShellPattern, where: "start" | "end", longest: boolean): string {
  const chars = charsOf(value, pattern);
  if (where === "start") return chars.slice(endOfMatch(chars, pattern.chunks, 0, longest) ?? 0).join("");
  const backwards = pattern.chunks.toReversed().map((chunk) => chunk.toReversed());
  const length = endOfMatch(chars.toReversed(), backwards, 0, longest) ?? 0;
  return chars.slice(0, chars.length - length).join("");
}

/** The first match, as long as can be, or all of them. An empty pattern matches nothing. */
export function replaceMatches(
  value: string,
  pattern: ShellPattern,
  replacement: string,
  which: "first" | "all" | "start" | "end",
): string {
  if (pattern.length === 0) return value;
  if (which === "end") {
    const kept = removeMatch(value, pattern, "end", true);
    return kept.length === value.length ? value : kept + replacement;
  }
  const chars = charsOf(value, pattern);
  const parts: string[] = [];
  let done = 0;
  let length = value.length;
  do {
    const start = which === "start" ? 0 : find(chars, pattern.chunks[0] ?? [], done);
    const end = start === undefined ? undefined : endOfMatch(chars, pattern.chunks, start, true);
    if (start === undefined || end === undefined) break;
    parts.push(...joined(chars, done, start), replacement);
    length += replacement.length;
    if (length > MAX_EXPANDED_LENGTH)
      throw new BuildError("LIMIT", `cannot replace in a value: it grows beyond ${MAX_EXPANDED_LENGTH} characters`);
    done = end;
  } while (which === "all" && done < chars.length);
  return [...parts, ...joined(chars, done, chars.length)].join("");
}

function joined(chars: readonly string[], start: number, end: number): [string] {
  return [chars.slice(start, end).join("")];
}

function charsOf(value: string, pattern: ShellPattern): string[] {
  if (value.length * pattern.length > MAX_PATTERN_WORK)
    throw new BuildError("LIMIT", `cannot match a pattern in ${value.length} characters: that is too much work`);
  return Array.from(value);
}

/** Where a match that begins at `start` ends. First places of all chunks but the last leave the most room to it. */
function endOfMatch(
  chars: readonly string[],
  chunks: readonly Chunk[],
  start: number,
  longest: boolean,
): number | undefined {
  const [first = [], ...more] = chunks;
  if (!fits(chars, first, start)) return undefined;
  let end = start + first.length;
  for (const [index, chunk] of more.entries()) {
    const last = longest && index === more.length - 1;
    const at = last ? findLast(chars, chunk, end) : find(chars, chunk, end);
    if (at === undefined) return undefined;
    end = at + chunk.length;
  }
  return end;
}

function fits(chars: readonly string[], chunk: Chunk, at: number): boolean {
  if (at + chunk.length > chars.length) return false;
  return chunk.every((wanted, index) => wanted === undefined || wanted === chars[at + index]);
}

function find(chars: readonly string[], chunk: Chunk, from: number): number | undefined {
  for (let at = from; at + chunk.length <= chars.length; at++) if (fits(chars, chunk, at)) return at;
  return undefined;
}

function findLast(chars: readonly string[], chunk: Chunk, from: number): number | undefined {
  for (let at = chars.length - chunk.length; at >= from; at--) if (fits(chars, chunk, at)) return at;
  return undefined;
}
