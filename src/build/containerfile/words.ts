// How the text of an instruction falls into words. There are three ways: at blanks whatever stands there (FROM, COPY,
// EXPOSE …), with quotes and escapes kept together (ENV, LABEL, ARG), and with quotes removed (flags).

/** A part of a line and where it begins. */
export interface Piece {
  readonly text: string;
  readonly offset: number;
}

const BLANKS = /[\t\v\f\r\n ]+/;

export function splitAtBlanks(text: string, offset: number): Piece[] {
  return [...text.matchAll(/[^\t\v\f\r\n ]+/g)].map((match) => ({ text: match[0], offset: offset + match.index }));
}

/** The first word and the rest after the blanks; undefined when there is one word only. */
export function splitOnce(text: string, offset: number): readonly [Piece, Piece] | undefined {
  const match = BLANKS.exec(text);
  if (match === null) return undefined;
  const rest = match.index + match[0].length;
  return [
    { text: text.slice(0, match.index), offset },
    { text: text.slice(rest), offset: offset + rest },
  ];
}

/** Words as written. Quotes that do not end reach to the end of the line. */
export function splitQuoted(text: string, offset: number, escape: string): Piece[] {
  const words: Piece[] = [];
  let at = 0;
  while (at < text.length) {
    if (isSpace(text[at])) {
      at++;
      continue;
    }
    const start = at;
    let quote = "";
    for (; at < text.length && (quote !== "" || !isSpace(text[at])); at++) {
      const char = text[at];
      if (char === escape && quote !== "'") at++;
      else if (quote === "" && (char === "'" || char === '"')) quote = char;
      else if (char === quote) quote = "";
    }
    // An escape at the very end stands for nothing.
    const word = text.slice(start, at > text.length ? text.length - 1 : at);
    at = Math.min(at, text.length);
    if (word !== "") words.push({ text: word, offset: offset + start });
  }
  return words;
}

/** The leading words that begin with `--`, without quotes and escapes, and what follows them; `--` alone ends them. */
export function splitFlags(text: string, offset: number, escape: string): { flags: Piece[]; rest: Piece } {
  const flags: Piece[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(text[at])) at++;
    if (!text.startsWith("--", at)) break;
    const start = at;
    let word = "";
    let quote = "";
    for (; at < text.length && (quote !== "" || !isSpace(text[at])); at++) {
      const char = text[at] as string;
      if (char === escape) word += text[++at] ?? "";
      else if (quote === "" && (char === "'" || char === '"')) quote = char;
      else if (char === quote) quote = "";
      else word += char;
    }
    if (word === "--") {
      while (isSpace(text[at])) at++;
      break;
    }
    flags.push({ text: word, offset: offset + start });
  }
  at = Math.min(at, text.length);
  return { flags, rest: { text: text.slice(at).trimEnd(), offset: offset + at } };
}

export interface HeredocWord {
  readonly name: string;
  readonly stripTabs: boolean;
  /** No part of the name is quoted. */
  readonly expand: boolean;
  readonly offset: number;
}

const HEREDOC = /^\d*<<(-?)([^<]+)$/;

/** The words `<<NAME` of a line as a shell would see them. In a line whose quotes do not end there are none. */
export function findHeredocs(text: string, offset: number): HeredocWord[] {
  if (!text.includes("<<")) return [];
  const found: HeredocWord[] = [];
  let at = 0;
  while (at < text.length) {
    if (isSpace(text[at])) {
      at++;
      continue;
    }
    const start = at;
    while (at < text.length && !isSpace(text[at])) {
      const char = text[at] as string;
      if (char === "'" || char === '"') {
        at = endOfQuotes(text, at);
        if (at < 0) return [];
      } else if (char === "\\") at += 2;
      else if (text.startsWith("<<", at)) {
        // Blanks between << and the name belong to the word.
        at += text[at + 2] === "-" ? 3 : 2;
        while (text[at] === " " || text[at] === "\t") at++;
      } else at++;
    }
    const word = parseHeredocWord(text.slice(start, at), offset + start);
    if (word !== undefined) found.push(word);
  }
  return found;
}

/** `<<NAME`, `<<-NAME`, `3<<NAME`, the name in quotes or not. */
export function parseHeredocWord(text: string, offset: number): HeredocWord | undefined {
  const match = HEREDOC.exec(text);
  const written = match?.[2]?.trimStart() ?? "";
  let name = "";
  let expand = true;
  for (let at = 0; at < written.length; at++) {
    const char = written[at] as string;
    if (char === "'" || char === '"') {
      const end = endOfQuotes(written, at);
      if (end < 0) return undefined;
      const quoted = written.slice(at + 1, end - 1);
      name += char === '"' ? quoted.replaceAll(/\\(["$\\])/g, "$1") : quoted;
      expand = false;
      at = end - 1;
    } else if (char === "\\") name += written[++at] ?? "";
    else if (isSpace(char)) return undefined;
    else name += char;
  }
  return name === "" ? undefined : { name, stripTabs: match?.[1] === "-", expand, offset };
}

/** The offset after the closing quote; -1 when there is none. */
function endOfQuotes(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return at + 1;
    if (quote === '"' && text[at] === "\\") at++;
  }
  return -1;
}

function isSpace(char: string | undefined): boolean {
  // Most characters are letters, and trim is slow.
  return char !== undefined && (char <= " " || char > "~") && char.trim() === "";
}
