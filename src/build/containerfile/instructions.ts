// What each instruction takes: its flags and its arguments. Flags and words are kept unexpanded; what can be judged
// without values is judged here.
import { parseCopy } from "./copy.ts";
import type { Flags } from "./flags.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import type { Arg, Instruction, OnBuild, Pair, Run, Word } from "./instruction.ts";
import { parseMount } from "./mounts.ts";
import { suggestion } from "./nearest.ts";
import { Statement } from "./statement.ts";
import { type Piece, splitAtBlanks, splitOnce, splitQuoted } from "./words.ts";

const PARSERS: Readonly<Record<Instruction["kind"], (statement: Statement) => Instruction>> = {
  FROM: parseFrom,
  ARG: parseArg,
  ENV: (statement) => ({ ...statement.base, kind: "ENV", pairs: parsePairs(statement) }),
  LABEL: (statement) => ({ ...statement.base, kind: "LABEL", pairs: parsePairs(statement) }),
  RUN: parseRun,
  COPY: (statement) => parseCopy(statement, "COPY"),
  ADD: (statement) => parseCopy(statement, "ADD"),
  CMD: (statement) => {
    statement.flags();
    statement.needed("a command", '["PROGRAM"], or CMD [] for none');
    return { ...statement.base, kind: "CMD", command: statement.command() };
  },
  ENTRYPOINT: (statement) => {
    statement.flags();
    statement.needed("a command", '["PROGRAM"], or ENTRYPOINT [] for none');
    return { ...statement.base, kind: "ENTRYPOINT", command: statement.command() };
  },
  SHELL: (statement) => {
    statement.flags();
    const argv = statement.jsonArray(statement.needed("a JSON array", '["/bin/sh", "-c"]'));
    if (argv === undefined || argv.length === 0)
      throw statement.fail(
        statement.rest.offset,
        "SHELL wants a JSON array with a program",
        'Write SHELL ["/bin/sh", "-c"]',
      );
    return { ...statement.base, kind: "SHELL", argv: argv.map(({ text }) => text) };
  },
  EXPOSE: (statement) => {
    statement.flags();
    const { text, offset } = statement.needed("a port", "8080/tcp");
    return { ...statement.base, kind: "EXPOSE", ports: words(statement, splitAtBlanks(text, offset)) };
  },
  USER: (statement) => ({ ...statement.base, kind: "USER", user: only(statement, "a user", "NAME or USER UID:GID") }),
  WORKDIR: (statement) => ({ ...statement.base, kind: "WORKDIR", path: only(statement, "a path", "/path") }),
  VOLUME: (statement) => {
    statement.flags();
    const pieces = listOf(statement, statement.needed("a path", "/path"));
    const empty = pieces.find(({ text }) => text.trim() === "");
    if (empty !== undefined || pieces.length === 0)
      throw statement.fail(empty?.offset ?? statement.rest.offset, "VOLUME has an empty path", "Write VOLUME /path");
    const trimmed = pieces.map(({ text, offset }) => ({ text: text.trim(), offset }));
    return { ...statement.base, kind: "VOLUME", paths: words(statement, trimmed) };
  },
  STOPSIGNAL: (statement) => ({
    ...statement.base,
    kind: "STOPSIGNAL",
    signal: only(statement, "a signal", "SIGTERM"),
  }),
  MAINTAINER: (statement) => ({
    ...statement.base,
    kind: "MAINTAINER",
    name: only(statement, "a name", "NAME").text,
  }),
  HEALTHCHECK: parseHealthcheck,
  ONBUILD: parseOnBuild,
};

/** Heredocs are read from the statement's reader. Throws BuildError. */
export function parseStatement(statement: Statement): Instruction {
  const { keyword } = statement;
  if (isKind(keyword)) return PARSERS[keyword](statement);
  const shown = keyword.length > 40 ? `${keyword.slice(0, 40)}…` : keyword;
  throw statement.fail(
    statement.offset,
    `there is no instruction ${JSON.stringify(shown)}`,
    suggestion(keyword, Object.keys(PARSERS)) ?? "Check that the line before it does not end without its continuation",
  );
}

function isKind(keyword: string): keyword is Instruction["kind"] {
  return Object.hasOwn(PARSERS, keyword);
}

function words(statement: Statement, pieces: readonly Piece[]): Word[] {
  return pieces.map((piece) => statement.word(piece));
}

/** All of the rest is the one argument, blanks included. */
function only(statement: Statement, what: string, example: string): Word {
  statement.flags();
  return statement.word(statement.needed(what, example));
}

function listOf(statement: Statement, { text, offset }: Piece): Piece[] {
  return statement.jsonArray() ?? splitAtBlanks(text, offset);
}

const STAGE_NAME = /^[a-z][a-z0-9_.-]*$/;

function parseFrom(statement: Statement): Instruction {
  const platform = statement.flags({ platform: "value" }).value("platform");
  const { text, offset } = statement.needed("an image", "IMAGE, or FROM scratch");
  const [image, as, name, more] = splitAtBlanks(text, offset);
  const form = "Write FROM IMAGE or FROM IMAGE AS NAME";
  if (image === undefined || more !== undefined || (as !== undefined && as.text.toUpperCase() !== "AS"))
    throw statement.fail((more ?? as ?? statement).offset, "FROM takes an image and, after AS, a name", form);
  if (as !== undefined && name === undefined) throw statement.fail(as.offset, "no name follows AS", form);
  const alias = name?.text.toLowerCase();
  if (alias !== undefined && !STAGE_NAME.test(alias))
    throw statement.fail(
      name?.offset ?? offset,
      `${JSON.stringify(name?.text)} is no name for a stage`,
      "Begin with a letter; letters, digits, '-', '_' and '.' may follow",
    );
  return {
    ...statement.base,
    kind: "FROM",
    image: statement.word(image),
    ...(alias === undefined ? {} : { alias }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function parseArg(statement: Statement): Arg {
  statement.flags();
  const { text, offset } = statement.needed("a name", "NAME or ARG NAME=DEFAULT");
  const args = splitQuoted(text, offset, statement.escape).map((piece) => {
    const equals = piece.text.indexOf("=");
    const written = equals < 0 ? piece.text : piece.text.slice(0, equals);
    // ARG "NAME=a b": the quote belongs to the value.
    const quote = equals > 0 && /^["']/.test(written) ? written.slice(0, 1) : "";
    const name = written.slice(quote.length);
    if (name === "" || /["'$]/.test(name))
      throw statement.fail(
        piece.offset,
        `${JSON.stringify(written)} is no name for an argument`,
        "Write ARG NAME=DEFAULT",
      );
    if (equals < 0) return { name };
    const value = { text: quote + piece.text.slice(equals + 1), offset: piece.offset + equals + 1 };
    return { name, value: statement.word(value) };
  });
  return { ...statement.base, kind: "ARG", args };
}

function parsePairs(statement: Statement): Pair[] {
  statement.flags();
  const { keyword } = statement;
  const { text, offset } = statement.needed("a name and a value", "NAME=VALUE");
  const pieces = splitQuoted(text, offset, statement.escape);
  if (!(pieces[0]?.text ?? "").includes("=")) {
    // The form of old: one name, and all that follows is its value.
    const pair = splitOnce(text, offset);
    if (pair === undefined)
      throw statement.fail(offset, `${keyword} ${text} has no value`, `Write ${keyword} NAME=VALUE`);
    return [{ key: statement.word(pair[0]), value: statement.word(pair[1]) }];
  }
  return pieces.map((piece) => {
    const equals = piece.text.indexOf("=");
    if (equals < 0)
      throw statement.fail(
        piece.offset,
        `${JSON.stringify(piece.text)} is no NAME=VALUE`,
        "Put quotes around a value that holds blanks",
      );
    if (equals === 0)
      throw statement.fail(piece.offset, `a name of ${keyword} is empty`, `Write ${keyword} NAME=VALUE`);
    return {
      key: statement.word({ text: piece.text.slice(0, equals), offset: piece.offset }),
      value: statement.word({ text: piece.text.slice(equals + 1), offset: piece.offset + equals + 1 }),
    };
  });
}

function parseRun(statement: Statement): Run {
  const flags = statement.flags({ mount: "values", network: "value", security: "value" });
  statement.needed("a command", "COMMAND");
  const command = statement.command();
  if (command.form === "exec" && command.argv.length === 0)
    throw statement.fail(statement.rest.offset, "the JSON array of RUN is empty", 'Write RUN ["PROGRAM"]');
  const offsets = statement.flagOffsets("mount");
  const network = oneOf(statement, flags, "network", ["default", "none", "host"]);
  const security = oneOf(statement, flags, "security", ["sandbox", "insecure"]);
  return {
    ...statement.base,
    kind: "RUN",
    command,
    heredocs: command.form === "exec" ? [] : [...statement.heredocs().values()],
    mounts: flags.values("mount").map((word, index) => parseMount(word, offsets[index] ?? statement.offset, statement)),
    ...(network === undefined ? {} : { network }),
    ...(security === undefined ? {} : { security }),
  };
}

function oneOf(statement: Statement, flags: Flags, name: string, known: readonly string[]): Word | undefined {
  const word = flags.value(name);
  if (word === undefined || word.text.includes("$") || known.includes(word.text)) return word;
  const hint = suggestion(word.text, known) ?? `Values are ${known.join(", ")}`;
  throw statement.fail(statement.flagOffsets(name)[0] ?? 0, `--${name} is ${JSON.stringify(word.text)}`, hint);
}

const NOT_ON_BUILD = new Set(["ONBUILD", "FROM", "MAINTAINER"]);

function parseOnBuild(statement: Statement): OnBuild {
  statement.flags();
  const { text, offset } = statement.needed("an instruction", "COPY . /src");
  const inner = new Statement(statement.line, offset, statement.reader, statement.escape);
  if (NOT_ON_BUILD.has(inner.keyword)) throw statement.fail(offset, `${inner.keyword} cannot be a trigger of ONBUILD`);
  const instruction = parseStatement(inner);
  const heredocs =
    instruction.kind === "RUN"
      ? instruction.heredocs
      : instruction.kind === "COPY" || instruction.kind === "ADD"
        ? instruction.sources.filter((source) => "content" in source)
        : [];
  const source = [text, ...heredocs.map(({ name, content }) => `${content}${name}`)].join("\n");
  return { ...statement.base, kind: "ONBUILD", instruction, source };
}
