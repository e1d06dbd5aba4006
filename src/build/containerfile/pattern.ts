// Patterns for paths: Go's filepath.Match (`*` and `?` stop at slashes, `[a-z]`, `[^a-z]`, backslash escapes) and `**` for
// any number of directories, as moby's patternmatcher has it. Paths and patterns are text with slashes.
// Time is proportional to path × pattern: nothing backtracks.
import { posix } from "node:path";
import { BuildError } from "../error.ts";
import { MAX_PATTERN_LENGTH } from "./limits.ts";

interface Class {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** A literal character, or: one but a slash; any but slashes; directories with the slash after them; anything. */
type Token = string | Class | typeof ONE | typeof NAME | typeof DIRECTORIES | typeof ANYTHING;
const ONE = 1;
const NAME = 2;
const DIRECTORIES = 3;
const ANYTHING = 4;

/** Throws BuildError BAD_VALUE for brackets and escapes that do not end, LIMIT. `a/./b/` is taken for `a/b`. */
export function compilePattern(pattern: string): (path: string) => boolean {
  const compiled = new Pattern(pattern);
  return (path) => compiled.matches(path);
}

export class Pattern {
  readonly #tokens: readonly Token[];
  /** What each match begins with. */
  readonly #prefix: string;
  readonly #suffix: string;

  constructor(pattern: string) {
    if (pattern.length > MAX_PATTERN_LENGTH)
      throw new BuildError(
        "LIMIT",
        `cannot read a pattern of ${pattern.length} characters: at most ${MAX_PATTERN_LENGTH} may be`,
      );
    this.#tokens = tokensOf(cleanPath(pattern));
    const isWild = (token: Token): boolean => typeof token !== "string";
    const first = this.#tokens.findIndex(isWild);
    const literal = (tokens: readonly Token[]): string => tokens.filter((token) => typeof token === "string").join("");
    this.#prefix = literal(this.#tokens.slice(0, first < 0 ? undefined : first));
    this.#suffix = literal(this.#tokens.slice(this.#tokens.findLastIndex(isWild) + 1));
    if (first < 0) this.#tokens = [];
  }

  matches(path: string): boolean {
    if (this.#tokens.length === 0) return path === this.#prefix;
    return path.startsWith(this.#prefix) && path.endsWith(this.#suffix) && runs(this.#tokens, path, false);
  }

  /** The path matches, or a directory above it does. */
  matchesOrAbove(path: string): boolean {
    if (!path.startsWith(this.#prefix)) return false;
    if (this.#tokens.length > 0) return runs(this.#tokens, path, true);
    return path.length === this.#prefix.length || path[this.#prefix.length] === "/";
  }

  /** False only when nothing below the directory can match. */
  mayMatchBelow(directory: string): boolean {
    const inside = `${directory}/`;
    return this.#prefix.startsWith(inside) || (this.#tokens.length > 0 && inside.startsWith(this.#prefix));
  }
}

/** As Go's filepath.Clean. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  const chars = Array.from(pattern);
  let at = 0;
  while (at < chars.length) {
    const char = chars[at++] as string;
    if (char === "?") tokens.push(ONE);
    else if (char === "[") {
      const { token, end } = classAt(chars, at, pattern);
      tokens.push(token);
      at = end;
    } else if (char === "\\") {
      const escaped = chars[at++];
      if (escaped === undefined) throw badPattern(pattern, "its last backslash escapes nothing");
      tokens.push(escaped);
    } else if (char !== "*") tokens.push(char);
    else if (chars[at] !== "*") tokens.push(NAME);
    else {
      at++;
      if (chars[at] === "/") at++;
      tokens.push(at === chars.length ? ANYTHING : DIRECTORIES);
    }
  }
  // moby: `**.txt` is any path that ends so, without a slash before it.
  const [first, ...others] = tokens;
  const literal = others.every((token) => typeof token === "string") && !pattern.includes("\\");
  if (first === DIRECTORIES && literal && pattern[2] !== "/") tokens[0] = ANYTHING;
  return tokens;
}

function classAt(chars: readonly string[], start: number, pattern: string): { token: Class; end: number } {
  const negated = chars[start] === "^";
  const ranges: [number, number][] = [];
  let at = negated ? start + 1 : start;
  const bound = (): number => {
    let char = chars[at++];
    if (char === "-" || char === "]") throw badPattern(pattern, `'${char}' stands in brackets without an escape`);
    if (char === "\\") char = chars[at++];
    if (char === undefined) throw badPattern(pattern, "a bracket does not end");
    return char.codePointAt(0) as number;
  };
  while (ranges.length === 0 || chars[at] !== "]") {
    const from = bound();
    const isRange = chars[at] === "-";
    if (isRange) at++;
    const to = isRange ? bound() : from;
    if (to < from) throw badPattern(pattern, "a range in brackets goes backwards");
    ranges.push([from, to]);
  }
  return { token: { negated, ranges }, end: at + 1 };
}

function badPattern(pattern: string, what: string): BuildError {
  const hint = "Put a backslash before a bracket that is meant as such";
  return new BuildError("BAD_VALUE", `cannot read the pattern ${JSON.stringify(pattern)}: ${what}`, { hint });
}

/** What is known of a place between tokens: nothing, that it is reached, that it is within its directories. */
const REACHED = 1;
const WITHIN = 2;

/** All ways through the tokens at once: `places[i]` says whether the path so far fits the tokens before `i`. */
function runs(tokens: readonly Token[], path: string, orAbove: boolean): boolean {
  let places = new Uint8Array(tokens.length + 1);
  let next = new Uint8Array(tokens.length + 1);
  places[0] = REACHED;
  passOver(tokens, places);
  for (const char of path) {
    if (orAbove && char === "/" && places[tokens.length] === REACHED) return true;
    for (let index = 0; index < tokens.length; index++) {
      if (places[index] === 0) continue;
      const token = tokens[index] as Token;
      if (token === ANYTHING || (token === NAME && char !== "/")) next[index] = REACHED;
      else if (token === DIRECTORIES) {
        // Within directories only a slash leads on.
        if (next[index] !== REACHED) next[index] = WITHIN;
        if (char === "/") next[index + 1] = REACHED;
      } else if (fits(token, char)) next[index + 1] = REACHED;
    }
    if (!passOver(tokens, next)) return false;
    [places, next] = [next, places];
    next.fill(0);
  }
  return places[tokens.length] === REACHED;
}

/** Tokens that can be nothing are passed over at once. False when no place is reached. */
function passOver(tokens: readonly Token[], places: Uint8Array): boolean {
  let any = false;
  for (let index = 0; index < places.length; index++) {
    if (places[index] === 0) continue;
    any = true;
    const token = tokens[index];
    const canBeNothing = token === NAME || token === DIRECTORIES || token === ANYTHING;
    if (canBeNothing && places[index] === REACHED) places[index + 1] = REACHED;
  }
  return any;
}

function fits(token: Token, char: string): boolean {
  if (token === ONE) return char !== "/";
  if (typeof token === "string") return char === token;
  if (typeof token === "number") return false;
  const code = char.codePointAt(0) as number;
  return token.ranges.some(([from, to]) => from <= code && code <= to) !== token.negated;
}
