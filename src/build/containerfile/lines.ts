// The bytes of a Containerfile as lines, and lines as logical lines: continuations joined; comments and empty lines gone,
// inside an instruction too. Refuses what is no UTF-8 text.
import { BuildError } from "../error.ts";
import type { Position } from "./instruction.ts";
import { MAX_FILE_BYTES, MAX_LINES } from "./limits.ts";
import { type Lines, locatedError } from "./location.ts";

/** UTF-8, with or without a byte order mark; lines end with LF or CRLF. */
export function decodeLines(bytes: Uint8Array, path: string): Lines {
  if (bytes.length > MAX_FILE_BYTES)
    throw new BuildError(
      "LIMIT",
      `cannot read ${path}: it has ${bytes.length} bytes, at most ${MAX_FILE_BYTES} are read`,
    );
  const text = decode(bytes, path);
  const lines = text.split("\n", MAX_LINES + 1);
  if (lines.length > MAX_LINES)
    throw new BuildError("LIMIT", `cannot read ${path}: it has more than ${MAX_LINES} lines`);
  if (lines.at(-1) === "") lines.pop();
  const file = { path, lines: lines.map(withoutReturn) };
  if (text.includes("\0")) {
    const nul = file.lines.findIndex((line) => line.includes("\0"));
    const at = { line: nul + 1, column: (file.lines[nul]?.indexOf("\0") ?? 0) + 1 };
    throw locatedError(file, at, "a NUL byte is no text", "Check that this is a Containerfile");
  }
  return file;
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const lines = new TextDecoder().decode(bytes).split("\n");
    const line = Math.max(
      0,
      lines.findIndex((each) => each.includes("\ufffd")),
    );
    const column = (lines[line] ?? "").indexOf("\ufffd") + 1;
    const place = `${path}:${line + 1}:${Math.max(column, 1)}`;
    throw new BuildError("SYNTAX", `${place}: this is not UTF-8`, { hint: "Save the file as UTF-8", cause });
  }
}

function withoutReturn(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === "\r") end--;
  return line.slice(0, end);
}

/** An instruction on one line, which knows where each of its characters came from. */
export class LogicalLine {
  readonly text: string;
  /** Where parts begin, in the order of their offsets. */
  readonly #parts: readonly { readonly offset: number; readonly at: Position }[];

  constructor(text: string, parts: readonly { readonly offset: number; readonly at: Position }[]) {
    this.text = text;
    this.#parts = parts;
  }

  positionOf(offset: number): Position {
    let low = 0;
    let high = this.#parts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#parts[middle]?.offset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const part = this.#parts[low] ?? { offset: 0, at: { line: 1, column: 1 } };
    return { line: part.at.line, column: part.at.column + offset - part.offset };
  }
}

/** Hands out logical lines, and between them the physical lines of heredocs. */
export class LineReader {
  readonly file: Lines;
  readonly #escape: string;
  #next = 0;

  constructor(file: Lines, escape: string) {
    this.file = file;
    this.#escape = escape;
  }

  /** The next line as it is; undefined at the end. */
  physical(): string | undefined {
    return this.file.lines[this.#next++];
  }

  logical(): LogicalLine | undefined {
    for (let raw = this.physical(); raw !== undefined; raw = this.physical()) {
      const first = raw.trimStart();
      if (first === "" || first.startsWith("#")) continue;
      const line = this.#join(first, raw.length - first.length);
      if (line.text.trim() !== "") return line;
    }
    return undefined;
  }

  #join(first: string, indent: number): LogicalLine {
    const parts = [{ offset: 0, at: { line: this.#next, column: indent + 1 } }];
    let { text, goesOn } = this.#withoutContinuation(first);
    const texts = [text];
    let offset = text.length;
    while (goesOn) {
      const raw = this.physical();
      if (raw === undefined) break;
      const trimmed = raw.trimStart();
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      ({ text, goesOn } = this.#withoutContinuation(raw));
      parts.push({ offset, at: { line: this.#next, column: 1 } });
      texts.push(text);
      offset += text.length;
    }
    return new LogicalLine(texts.join(""), parts);
  }

  /** An escape at the end, blanks after it allowed; not one that is itself escaped. */
  #withoutContinuation(line: string): { text: string; goesOn: boolean } {
    let end = line.length;
    while (end > 0 && (line[end - 1] === " " || line[end - 1] === "\t")) end--;
    const goesOn = line[end - 1] === this.#escape && line[end - 2] !== this.#escape;
    return { text: goesOn ? line.slice(0, end - 1) : line, goesOn };
  }
}
