// .containerignore and .dockerignore: a pattern a line, `!` takes files in again, the last one that matches a path or a
// directory above it decides (moby's patternmatcher and ignorefile). `#` in the first column begins a comment.
import { BuildError } from "../error.ts";
import { MAX_IGNORE_PATTERNS } from "./limits.ts";
import { decodeLines } from "./lines.ts";
import { locatedError } from "./location.ts";
import { cleanPath, Pattern } from "./pattern.ts";

export interface IgnoreRules {
  /** `path` is text, relative to the context. The context itself is never excluded. */
  excludes(path: string, isDirectory: boolean): boolean;
  /** A directory that cannot contain anything included. */
  prunes(path: string): boolean;
}

interface Rule {
  readonly includes: boolean;
  readonly pattern: Pattern;
}

/** Throws BuildError SYNTAX with the place of a bad pattern, LIMIT. */
export function parseIgnoreFile(bytes: Uint8Array, path: string): IgnoreRules {
  const file = decodeLines(bytes, path);
  const rules: Rule[] = [];
  for (const [index, line] of file.lines.entries()) {
    const text = line.trim();
    if (line.startsWith("#") || text === "") continue;
    const includes = text.startsWith("!");
    const at = { line: index + 1, column: line.length - line.trimStart().length + 1 };
    const written = includes ? text.slice(1).trim() : text;
    if (written === "") throw locatedError(file, at, "no pattern follows '!'", "Write !PATTERN, or remove the line");
    if (rules.length === MAX_IGNORE_PATTERNS)
      throw locatedError(file, at, `there are more than ${MAX_IGNORE_PATTERNS} patterns`, undefined, "LIMIT");
    const cleaned = cleanPath(written);
    try {
      rules.push({ includes, pattern: new Pattern(cleaned.length > 1 ? cleaned.replace(/^\//, "") : cleaned) });
    } catch (cause) {
      if (!(cause instanceof BuildError)) throw cause;
      throw locatedError(file, at, cause.message, cause.hint, cause.code);
    }
  }
  return new Rules(rules.toReversed());
}

class Rules implements IgnoreRules {
  /** The last of the file first. */
  readonly #rules: readonly Rule[];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  excludes(path: string): boolean {
    if (this.#rules.length === 0 || path === "" || path === ".") return false;
    const decides = this.#rules.find(({ pattern }) => pattern.matchesOrAbove(path));
    return decides !== undefined && !decides.includes;
  }

  prunes(path: string): boolean {
    return this.excludes(path) && !this.#rules.some(({ includes, pattern }) => includes && pattern.mayMatchBelow(path));
  }
}
