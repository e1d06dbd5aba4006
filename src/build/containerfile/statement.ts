// One instruction of a logical line: its keyword, flags and the rest. What the parsers of the single instructions need.
import type { BuildError } from "../error.ts";
import { parseJson } from "../../base/json.ts";
import { type FlagContext, type FlagKind, type Flags, parseFlags } from "./flags.ts";
import type { Command, Heredoc, Position, Word } from "./instruction.ts";
import { MAX_HEREDOCS } from "./limits.ts";
import type { LineReader, LogicalLine } from "./lines.ts";
import { locatedError } from "./location.ts";
import { findHeredocs, type HeredocWord, type Piece, splitFlags, splitOnce } from "./words.ts";

export class Statement implements FlagContext {
  readonly keyword: string;
  /** Where the keyword is in the logical line. */
  readonly offset: number;
  /** What follows keyword and flags, trimmed. */
  readonly rest: Piece;
  readonly text: string;
  readonly escape: string;
  readonly reader: LineReader;
  readonly line: LogicalLine;
  readonly #flags: readonly Piece[];

  constructor(line: LogicalLine, start: number, reader: LineReader, escape: string) {
    const raw = line.text.slice(start);
    const trimmed = raw.trimStart();
    this.offset = start + raw.length - trimmed.length;
    this.text = trimmed.trimEnd();
    this.line = line;
    this.reader = reader;
    this.escape = escape;
    const [keyword, after] = splitOnce(this.text, this.offset) ?? [
      { text: this.text, offset: this.offset },
      { text: "", offset: this.offset + this.text.length },
    ];
    this.keyword = keyword.text.toUpperCase();
    const { flags, rest } = splitFlags(after.text, after.offset, escape);
    this.#flags = flags;
    this.rest = rest;
  }

  /** What every instruction has. */
  get base(): { readonly at: Position; readonly text: string } {
    return { at: this.line.positionOf(this.offset), text: this.text };
  }

  flags(kinds: Readonly<Record<string, FlagKind>> = {}): Flags {
    return parseFlags(this.#flags, kinds, this);
  }

  /** Where the flags are that may be given more than once. */
  flagOffsets(name: string): number[] {
    const start = `--${name}=`;
    return this.#flags.filter(({ text }) => text.startsWith(start)).map(({ offset }) => offset + start.length);
  }

  word({ text, offset }: Piece): Word {
    return { text, at: this.line.positionOf(offset) };
  }

  fail(offset: number, message: string, hint?: string): BuildError {
    return locatedError(this.reader.file, this.line.positionOf(offset), message, hint);
  }

  /** What it must have; throws when there is nothing. */
  needed(what: string, example: string): Piece {
    if (this.rest.text === "")
      throw this.fail(this.offset, `${this.keyword} needs ${what}`, `Write ${this.keyword} ${example}`);
    return this.rest;
  }

  /**
   * The strings of a JSON array; undefined for what is none, which is words or a shell's then. An array of other
   * things than strings is refused.
   */
  jsonArray({ text, offset }: Piece = this.rest): Piece[] | undefined {
    if (!text.startsWith("[")) return undefined;
    let values: unknown;
    try {
      values = parseJson(text);
    } catch {
      return undefined;
    }
    if (!Array.isArray(values)) return undefined;
    if (!values.every((value) => typeof value === "string"))
      throw this.fail(
        offset,
        `the JSON array of ${this.keyword} holds something that is no string`,
        "Put quotes around each item",
      );
    const starts = stringStarts(text);
    return values.map((value, index) => ({ text: value, offset: offset + (starts[index] ?? 0) }));
  }

  command(piece: Piece = this.rest): Command {
    const argv = this.jsonArray(piece);
    return argv === undefined
      ? { form: "shell", script: piece.text }
      : { form: "exec", argv: argv.map(({ text }) => text) };
  }

  /** Of the rest, in the order of the line; their lines are taken from the reader. */
  heredocs(): Map<number, Heredoc> {
    const words = findHeredocs(this.rest.text, this.rest.offset);
    if (words.length > MAX_HEREDOCS)
      throw this.fail(this.offset, `${this.keyword} has more than ${MAX_HEREDOCS} heredocs`);
    return new Map(words.map((word) => [word.offset, this.#heredoc(word)]));
  }

  #heredoc({ name, stripTabs, expand, offset }: HeredocWord): Heredoc {
    const lines: string[] = [];
    for (;;) {
      const raw = this.reader.physical();
      if (raw === undefined)
        throw this.fail(
          offset,
          `the heredoc ${JSON.stringify(name)} does not end`,
          `Write ${name} on a line of its own`,
        );
      const line = stripTabs ? raw.replace(/^\t+/, "") : raw;
      if (line === name) break;
      lines.push(`${line}\n`);
    }
    return { name, content: lines.join(""), expand, at: this.line.positionOf(offset) };
  }
}

/** Where the strings of a JSON array of strings begin. */
function stringStarts(json: string): number[] {
  const starts: number[] = [];
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    if (json[at] === "\\") at++;
    else if (json[at] === '"') {
      inString = !inString;
      if (inString) starts.push(at + 1);
    }
  }
  return starts;
}
