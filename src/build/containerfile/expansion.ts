// Variables, quotes and escapes of a word become its value: the subset of POSIX "Word Expansions" (sections 2.6.2, 2.2)
// that BuildKit has. No command substitution, no arithmetic, no assignment by ${x:=y}.
import { BuildError } from "../error.ts";
import type { Heredoc, Word } from "./instruction.ts";
import { MAX_EXPANDED_LENGTH, MAX_NESTING } from "./limits.ts";
import { parseShellPattern, removeMatch, replaceMatches } from "./substitution.ts";

/** The value of a variable; undefined when it is not set. */
export type Variables = (name: string) => string | undefined;

export interface ExpandOptions {
  /** A backslash unless the escape directive says a backtick. */
  readonly escape?: string;
}

/** The value of a word as one, blanks of variables in it. Throws BuildError BAD_VALUE, LIMIT; it knows no place. */
export function expandWord(word: Word | string, variables: Variables, options: ExpandOptions = {}): string {
  return joined(new Expander(textOf(word), variables, options.escape ?? "\\", true).all());
}

/** The values that a word falls into where blanks are not quoted, those of variables too. Throws as expandWord. */
export function splitWords(word: Word | string, variables: Variables, options: ExpandOptions = {}): string[] {
  const words: string[] = [];
  let current = "";
  for (const { text, splits } of new Expander(textOf(word), variables, options.escape ?? "\\", true).all()) {
    const [first = "", ...more] = splits ? text.split(/\s+/) : [text];
    current += first;
    for (const each of more) {
      if (current !== "") words.push(current);
      current = each;
    }
  }
  if (current !== "") words.push(current);
  return words;
}

/** The bytes of a file that a heredoc stands for: quotes stay, escapes go, as in BuildKit. Throws as expandWord. */
export function expandHeredoc(heredoc: Heredoc, variables: Variables): string {
  return heredoc.expand ? joined(new Expander(heredoc.content, variables, "\\", false).all()) : heredoc.content;
}

function textOf(word: Word | string): string {
  return typeof word === "string" ? word : word.text;
}

interface Part {
  readonly text: string;
  /** Blanks in it are between words. */
  readonly splits: boolean;
}

function joined(parts: readonly Part[]): string {
  return parts.map(({ text }) => text).join("");
}

const NAME = /[\p{L}_][\p{L}\p{Nd}_]*|\p{Nd}+|[@*#?\-$!]/uy;

class Expander {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #escape: string;
  readonly #quotes: boolean;
  #at = 0;
  #nesting = 0;
  #length = 0;

  constructor(text: string, variables: Variables, escape: string, quotes: boolean) {
    this.#text = text;
    this.#variables = variables;
    this.#escape = escape;
    this.#quotes = quotes;
  }

  all(): Part[] {
    return this.#parts("", false);
  }

  /** Up to one of the characters of `stops`, which is left. With `rawEscapes` escapes stay, for patterns. */
  #parts(stops: string, rawEscapes: boolean): Part[] {
    const parts: Part[] = [];
    let plain = this.#at;
    const flush = (): void => {
      if (plain < this.#at) parts.push({ text: this.#text.slice(plain, this.#at), splits: true });
    };
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] as string;
      if (stops.includes(char)) break;
      const quoted = this.#quotes && (char === "'" || char === '"');
      if (char !== "$" && char !== this.#escape && !quoted) {
        this.#at++;
        continue;
      }
      flush();
      if (char === "$") parts.push({ text: this.#dollar(), splits: true });
      else if (quoted) parts.push({ text: char === "'" ? this.#singleQuotes() : this.#doubleQuotes(), splits: false });
      else {
        const escaped = this.#text.slice(this.#at + 1, this.#at + 2);
        parts.push({ text: rawEscapes ? char + escaped : escaped, splits: false });
        this.#at += 2;
      }
      plain = this.#at;
    }
    flush();
    this.#at = Math.min(this.#at, this.#text.length);
    return parts;
  }

  #singleQuotes(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw this.#wrong("its single quote does not end");
    const text = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #doubleQuotes(): string {
    const parts: string[] = [];
    this.#at++;
    for (let plain = this.#at; ; plain = this.#at) {
      while (this.#at < this.#text.length && !`"$${this.#escape}`.includes(this.#text[this.#at] as string)) this.#at++;
      parts.push(this.#text.slice(plain, this.#at));
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#wrong("its double quote does not end");
      if (char === '"') {
        this.#at++;
        return parts.join("");
      }
      if (char === "$") parts.push(this.#dollar());
      else {
        const next = this.#text[this.#at + 1];
        const escapes = next === '"' || next === "$" || next === this.#escape;
        parts.push(escapes ? next : char);
        this.#at += escapes ? 2 : 1;
      }
    }
  }

  #dollar(): string {
    this.#at++;
    if (this.#text[this.#at] !== "{") {
      const name = this.#name();
      return name === "" ? "$" : this.#counted(this.#variables(name) ?? "");
    }
    if (++this.#nesting > MAX_NESTING)
      throw new BuildError(
        "LIMIT",
        `cannot expand ${this.#shown()}: more than ${MAX_NESTING} substitutions stand in each other`,
      );
    this.#at++;
    const name = this.#name();
    if (name === "") throw this.#wrong("a variable's name is missing after '${'");
    const value = this.#counted(this.#substitute(name, this.#variables(name)));
    if (this.#text[this.#at] !== "}") throw this.#wrong("'}' is missing");
    this.#at++;
    this.#nesting--;
    return value;
  }

  /** From behind the name up to the closing brace. */
  #substitute(name: string, value: string | undefined): string {
    const char = this.#text[this.#at];
    if (char === undefined || char === "}") return value ?? "";
    if (char === "/") return this.#replace(value ?? "");
    if (char === "#" || char === "%") {
      const longest = this.#text[this.#at + 1] === char;
      this.#at += longest ? 2 : 1;
      const pattern = parseShellPattern(joined(this.#parts("}", true)), this.#escape);
      return removeMatch(value ?? "", pattern, char === "#" ? "start" : "end", longest);
    }
    const colon = char === ":";
    const modifier = colon ? this.#text[this.#at + 1] : char;
    if (modifier !== "-" && modifier !== "+" && modifier !== "?")
      throw this.#wrong(
        `'${colon ? char : ""}${modifier ?? ""}' after ${name} is none of :- - :+ + :? ? # ## % %% / //`,
      );
    this.#at += colon ? 2 : 1;
    const word = joined(this.#parts("}", false));
    const missing = value === undefined || (colon && value === "");
    if (modifier === "+") return missing ? "" : word;
    if (!missing) return value;
    if (modifier === "-") return word;
    throw new BuildError(
      "BAD_VALUE",
      `cannot expand ${this.#shown()}: ${name} is ${value === undefined ? "not set" : "empty"}${word === "" ? "" : `: ${word}`}`,
      {
        hint: `Give ${name} a value, with ARG, ENV or --build-arg`,
      },
    );
  }

  #replace(value: string): string {
    const which = ({ "/": "all", "#": "start", "%": "end" } as const)[this.#text[this.#at + 1] ?? ""] ?? "first";
    this.#at += which === "first" ? 1 : 2;
    const pattern = parseShellPattern(joined(this.#parts("/}", true)), this.#escape);
    if (this.#text[this.#at] !== "/") return replaceMatches(value, pattern, "", which);
    this.#at++;
    return replaceMatches(value, pattern, joined(this.#parts("}", false)), which);
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0] ?? "";
    this.#at += name.length;
    return name;
  }

  #counted(text: string): string {
    this.#length += text.length;
    if (this.#length > MAX_EXPANDED_LENGTH)
      throw new BuildError(
        "LIMIT",
        `cannot expand ${this.#shown()}: it grows beyond ${MAX_EXPANDED_LENGTH} characters`,
      );
    return text;
  }

  #wrong(what: string): BuildError {
    const hint = "Put a backslash before a '$' or a quote that is meant as such";
    return new BuildError("BAD_VALUE", `cannot expand ${this.#shown()}: ${what}`, { hint });
  }

  #shown(): string {
    return JSON.stringify(this.#text.length > 60 ? `${this.#text.slice(0, 60)}…` : this.#text);
  }
}
