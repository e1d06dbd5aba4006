// COPY and ADD: sources from the context, heredocs among them, and where they go.
import type { FlagKind } from "./flags.ts";
import type { Copy, Heredoc, Word } from "./instruction.ts";
import type { Statement } from "./statement.ts";
import { parseHeredocWord, splitAtBlanks } from "./words.ts";

const BOTH: Readonly<Record<string, FlagKind>> = { chown: "value", chmod: "value", link: "switch", exclude: "values" };
const COPY_FLAGS = {
  COPY: { ...BOTH, from: "value", parents: "switch" },
  ADD: { ...BOTH, checksum: "value", "keep-git-dir": "switch", unpack: "switch" },
} as const satisfies Record<Copy["kind"], Readonly<Record<string, FlagKind>>>;

export function parseCopy(statement: Statement, kind: Copy["kind"]): Copy {
  const flags = statement.flags(COPY_FLAGS[kind]);
  const { text, offset } = statement.needed("a source and a destination", "SOURCE… DESTINATION");
  const json = statement.jsonArray();
  const pieces = json ?? splitAtBlanks(text, offset);
  const last = pieces.at(-1);
  if (last === undefined || pieces.length < 2)
    throw statement.fail(
      last?.offset ?? offset,
      `${kind} has a source and no destination`,
      `Write ${kind} SOURCE… DESTINATION`,
    );
  const heredocs = json === undefined ? statement.heredocs() : new Map<number, Heredoc>();
  if (heredocs.has(last.offset)) throw statement.fail(last.offset, "a heredoc cannot be the destination");
  for (const at of heredocs.keys())
    if (!pieces.some((piece) => piece.offset === at && parseHeredocWord(piece.text, at) !== undefined))
      throw statement.fail(at, "the name of this heredoc has blanks in or before it", "Write <<NAME");
  const unpack = flags.switch("unpack");
  return {
    ...statement.base,
    kind,
    sources: pieces.slice(0, -1).map((piece) => heredocs.get(piece.offset) ?? statement.word(piece)),
    destination: statement.word(last),
    ...optional({ from: flags.value("from"), chown: flags.value("chown"), chmod: flags.value("chmod") }),
    link: flags.switch("link") ?? false,
    parents: flags.switch("parents") ?? false,
    exclude: flags.values("exclude"),
    ...optional({ checksum: flags.value("checksum") }),
    keepGitDir: flags.switch("keep-git-dir") ?? false,
    ...(unpack === undefined ? {} : { unpack }),
  };
}

function optional<Name extends string>(values: Record<Name, Word | undefined>): { [Key in Name]?: Word } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in Name]?: Word;
  };
}
