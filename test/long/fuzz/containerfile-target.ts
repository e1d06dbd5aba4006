/** Containerfiles and ignore files: lines at random from what the language has, with damage; what is parsed is expanded too. */
import {
  expandHeredoc,
  expandWord,
  parseContainerfile,
  parseIgnoreFile,
  runScript,
  splitWords,
  warningsOf,
} from "../../../src/build/containerfile/index.ts";
import { BuildError } from "../../../src/build/error.ts";
import { integer, pick, type Random } from "../../support/random.ts";
import { mutateBytes } from "./mutate.ts";
import type { Target } from "./targets.ts";

const LINES = [
  "# syntax=docker/dockerfile:1",
  "# escape=`",
  "ARG A=1 B 'C=x y'",
  "FROM --platform=$P debian:${A:-13} AS base",
  "ENV A=1 B=\"x y\" C='z' D=a\\ b",
  "ENV old a value",
  "RUN --mount=type=cache,target=/c,sharing=locked --network=none a && \\",
  "RUN --mount='type=secret,\"id=k,l\"' cat <<ONE <<-'TWO' | x",
  "RUN <<EOF",
  '  echo "${A##*/} ${A%%.*} ${A//x/y} ${A:+$B}" \\',
  "ONE",
  "\tTWO",
  "EOF",
  "# comment",
  "",
  'COPY --from=base --chown=1:1 --link --exclude=*.o ["a b", "/d/"]',
  "ADD --checksum=sha256:0 <<EOF http://x /y/",
  "ONBUILD RUN <<EOF sh",
  'HEALTHCHECK --interval=1m30.5s --retries=3 CMD ["a"]',
  'SHELL ["a", "b"]',
  "EXPOSE 80 $B",
  'VOLUME ["/v"] /w',
  "CMD []",
  "**/node_modules/*.[^a-c]?",
  "!a/**/b",
];
const PIECES = [
  "\\",
  "`",
  '"',
  "'",
  "$",
  "${",
  "}",
  "<<",
  "<<-",
  "--",
  "=",
  ",",
  "[",
  "]",
  "*",
  "?",
  "#",
  ":",
  "/",
  "\r",
  "\t",
  "\u00e9",
  "\ud83d\ude00",
];

export function containerfileTarget(): Target {
  return { input, run: (bytes) => Promise.resolve(bytes).then(read) };
}

function input(random: Random): Buffer {
  const lines = Array.from({ length: 1 + integer(random, 30) }, () => pick(random, LINES));
  for (let edits = integer(random, 12); edits > 0; edits--) {
    const index = integer(random, lines.length);
    const line = lines[index] ?? "";
    const at = integer(random, line.length + 1);
    const piece = pick(random, PIECES).repeat(random() < 0.05 ? 1 + integer(random, 5000) : 1);
    lines[index] = line.slice(0, at) + piece + line.slice(at + integer(random, 4));
  }
  const text = Buffer.from(lines.join(random() < 0.1 ? "\r\n" : "\n"));
  return random() < 0.2 ? mutateBytes(random, text) : text;
}

/** All of them are tried; the first refusal is thrown at the end, so that each is seen to be one of ours. */
function read(bytes: Buffer): void {
  const refusals: BuildError[] = [];
  const attempt = <Result>(action: () => Result): Result | undefined => {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      refusals.push(error);
      return undefined;
    }
  };
  const rules = attempt(() => parseIgnoreFile(bytes, "I"));
  for (const path of ["a", "a/b/c", `${"a/".repeat(200)}node_modules/x.dy`]) {
    rules?.excludes(path, false);
    rules?.prunes(path);
  }
  const file = attempt(() => parseContainerfile(bytes, "C"));
  if (file !== undefined) warningsOf(file);
  const variables = (name: string): string | undefined => (name === "A" ? "a/x.tar.gz" : name === "B" ? "" : undefined);
  const expandAll = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { text, content } = value as { readonly text?: unknown; readonly content?: unknown };
    if (typeof content === "string")
      attempt(() => expandHeredoc(value as Parameters<typeof expandHeredoc>[0], variables));
    else if (typeof text === "string") {
      attempt(() => expandWord(text, variables, file?.directives));
      attempt(() => splitWords(text, variables, file?.directives));
    }
    for (const inner of value instanceof Map ? value.values() : Object.values(value)) expandAll(inner);
  };
  for (const instruction of file?.instructions ?? []) {
    expandAll(instruction);
    if (instruction.kind === "RUN") runScript(instruction);
  }
  if (refusals[0] !== undefined) throw refusals[0];
}
