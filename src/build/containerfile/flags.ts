// Flags of instructions: `--name=value`, `--name` for the ones that are on or off. Which there are is a table.
import type { Word } from "./instruction.ts";
import { suggestion } from "./nearest.ts";
import type { Piece } from "./words.ts";

/** What a flag takes: on or off, one value, a value each time that it is given. */
export type FlagKind = "switch" | "value" | "values";

export interface FlagContext {
  /** As messages call the instruction. */
  readonly keyword: string;
  fail(offset: number, message: string, hint?: string): Error;
  word(piece: Piece): Word;
}

export class Flags {
  readonly #values: ReadonlyMap<string, readonly Word[]>;

  constructor(values: ReadonlyMap<string, readonly Word[]>) {
    this.#values = values;
  }

  value(name: string): Word | undefined {
    return this.#values.get(name)?.[0];
  }

  values(name: string): readonly Word[] {
    return this.#values.get(name) ?? [];
  }

  /** Undefined when it is not given. */
  switch(name: string): boolean | undefined {
    const word = this.value(name);
    return word === undefined ? undefined : word.text === "true";
  }
}

export function parseFlags(
  pieces: readonly Piece[],
  kinds: Readonly<Record<string, FlagKind>>,
  context: FlagContext,
): Flags {
  const values = new Map<string, Word[]>();
  for (const piece of pieces) {
    const equals = piece.text.indexOf("=");
    const name = piece.text.slice(2, equals < 0 ? undefined : equals);
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(kinds);
      const list = known.length === 0 ? "no flags" : `the flags ${known.map((each) => `--${each}`).join(", ")}`;
      const hint = suggestion(name, known, (each) => `--${each}`) ?? `${context.keyword} has ${list}`;
      throw context.fail(piece.offset, `${context.keyword} has no flag --${name}`, hint);
    }
    const before = values.get(name) ?? [];
    if (before.length > 0 && kind !== "values")
      throw context.fail(piece.offset, `--${name} is given twice`, "Remove one of the two");
    const given = equals < 0 ? undefined : piece.text.slice(equals + 1);
    const text = kind === "switch" ? switchValue(given) : given;
    if (text === undefined || text === "") {
      const wanted = kind === "switch" ? "true or false" : "a value";
      throw context.fail(
        piece.offset,
        `--${name} needs ${wanted}`,
        `Write --${name}=${kind === "switch" ? "true" : "VALUE"}`,
      );
    }
    const offset = equals < 0 ? piece.offset : piece.offset + equals + 1;
    values.set(name, [...before, context.word({ text, offset })]);
  }
  return new Flags(values);
}

function switchValue(given: string | undefined): string | undefined {
  const value = (given ?? "true").toLowerCase();
  return value === "true" || value === "false" ? value : undefined;
}
