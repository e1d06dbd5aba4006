// Where something stands in a Containerfile, as messages say it: file, line, column, the line itself and a caret.
import { BuildError, type BuildErrorCode } from "../error.ts";
import type { Position } from "./instruction.ts";

/** What of a Containerfile is needed to point into it. */
export interface Lines {
  readonly path: string;
  readonly lines: readonly string[];
}

const MAX_SHOWN = 120;
/** Before the caret when a line has to be cut. */
const SHOWN_BEFORE = 80;

/** The message with its place before it and the line below it. */
export function located(file: Lines, at: Position, message: string): string {
  const line = file.lines[at.line - 1];
  const place = `${file.path}:${at.line}:${at.column}: ${message}`;
  if (line === undefined) return place;
  const column = Math.min(at.column - 1, line.length);
  const start = line.length <= MAX_SHOWN ? 0 : Math.max(0, column - SHOWN_BEFORE);
  const gutter = `${at.line} | `;
  const shown = printable(line.slice(start, start + MAX_SHOWN));
  const caret = " ".repeat(gutter.length + column - start);
  return `${place}\n  ${gutter}${shown}\n  ${caret}^`;
}

/** One column a character; nothing in it that a terminal would obey. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll("\t", " ").replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, "\ufffd");
}

export function locatedError(
  file: Lines,
  at: Position,
  message: string,
  hint?: string,
  code: BuildErrorCode = "SYNTAX",
): BuildError {
  const data = { path: file.path, line: at.line, column: at.column };
  return new BuildError(code, located(file, at, message), hint === undefined ? { data } : { data, hint });
}
