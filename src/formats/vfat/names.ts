// FAT names: long names (UTF-16, at most 255 units) and the unique 8.3 alias that each entry also has (FAT paper,
// "Long Directory Entries"). Refused: names FAT has no way to write, and names equal but for their case.
import { type ByteString, byteStringToUtf8, printable } from "../../base/bytes/index.ts";
import { VfatError } from "./error.ts";
import { MAX_NAME_UNITS } from "./format.ts";

export interface FatName {
  /** As in the tree. */
  readonly key: ByteString;
  /** What users see, as UTF-16. */
  readonly long: string;
  /** 11 characters of ASCII: eight and three, padded with spaces. */
  readonly short: string;
  /** False when the short name alone says it all. */
  readonly needsLong: boolean;
}

// oxlint-disable-next-line no-control-regex
const ILLEGAL = /[\x00-\x1f"*/:<>?\\|\x7f]/;
const SHORT_CHARACTERS = /^[A-Z0-9!#$%&'()@^_`{}~-]+$/;

/** Names of one directory with their aliases, in the given order. Throws VfatError BAD_NAME or DUPLICATE. */
export function assignNames(keys: readonly ByteString[], directory: string): FatName[] {
  const longs = keys.map((key) => longName(key, directory));
  const aliases = new Aliases();
  const shorts: (string | undefined)[] = longs.map((long) => {
    const folded = fold(long);
    if (!aliases.reserve(folded)) {
      throw new VfatError(
        "DUPLICATE",
        `cannot put "${long}" into ${directory}: FAT does not tell it from another name by case`,
      );
    }
    return exactShort(folded);
  });
  return keys.map((key, index) => {
    const long = longs[index] as string;
    const short = shorts[index] ?? aliases.make(long);
    return { key, long, short, needsLong: displayed(short) !== long };
  });
}

function longName(key: ByteString, directory: string): string {
  const long = byteStringToUtf8(key);
  const problem =
    long === undefined
      ? "it is not UTF-8"
      : long.length > MAX_NAME_UNITS
        ? `it has ${long.length} UTF-16 units, want at most ${MAX_NAME_UNITS}`
        : ILLEGAL.test(long)
          ? 'it has a control character or one of " * / : < > ? \\ |'
          : /[. ]$/.test(long) || long === ""
            ? "it ends with a dot or a space"
            : undefined;
  if (long === undefined || problem !== undefined) {
    throw new VfatError("BAD_NAME", `cannot put "${printable(key)}" into ${directory} on FAT: ${problem}`);
  }
  return long;
}

/** Upper case, unit by unit, as FAT compares. */
function fold(name: string): string {
  let folded = "";
  for (let unit = 0; unit < name.length; unit++) {
    const upper = name.charAt(unit).toUpperCase();
    folded += upper.length === 1 ? upper : name.charAt(unit);
  }
  return folded;
}

/** The 11 characters of a name that is a valid 8.3 name already (in upper case), else undefined. */
function exactShort(folded: string): string | undefined {
  const dot = folded.lastIndexOf(".");
  const base = dot < 0 ? folded : folded.slice(0, dot);
  const extension = dot < 0 ? "" : folded.slice(dot + 1);
  if (base.length > 8 || extension.length > 3 || !SHORT_CHARACTERS.test(base)) return undefined;
  if (dot >= 0 && !SHORT_CHARACTERS.test(extension)) return undefined;
  return base.padEnd(8) + extension.padEnd(3);
}

/** NAME.EXT of 11 characters. */
function displayed(short: string): string {
  const base = short.slice(0, 8).trimEnd();
  const extension = short.slice(8).trimEnd();
  return extension === "" ? base : `${base}.${extension}`;
}

/** Hands out BASIS~N.EXT, never one that is taken by another alias or long name of the directory. */
class Aliases {
  readonly #taken = new Set<string>();
  /** Next number for a prefix of the basis with its extension: keeps a thousand similar names from a quadratic search. */
  readonly #next = new Map<string, number>();

  /** False when the name is taken already. */
  reserve(folded: string): boolean {
    if (this.#taken.has(folded)) return false;
    this.#taken.add(folded);
    return true;
  }

  make(long: string): string {
    const { base, extension } = basis(long);
    for (let digits = 1; digits <= 6; digits++) {
      const prefix = base.slice(0, 7 - digits);
      const key = `${prefix}~${digits}.${extension}`;
      for (let number = this.#next.get(key) ?? 10 ** (digits - 1); number < 10 ** digits; number++) {
        this.#next.set(key, number + 1);
        const short = `${prefix}~${number}`.padEnd(8) + extension.padEnd(3);
        if (this.reserve(displayed(short))) return short;
      }
    }
    throw new VfatError("LIMIT", `cannot find a short name for "${long}": a million are taken`);
  }
}

function basis(long: string): { base: string; extension: string } {
  const stripped = long.replace(/^[. ]+/, "");
  const dot = stripped.lastIndexOf(".");
  const clean = (text: string): string =>
    Array.from(fold(text).replace(/[. ]/g, ""), (char) => (SHORT_CHARACTERS.test(char) ? char : "_")).join("");
  const base = clean(dot < 0 ? stripped : stripped.slice(0, dot)).slice(0, 6);
  return { base: base === "" ? "_" : base, extension: dot < 0 ? "" : clean(stripped.slice(dot + 1)).slice(0, 3) };
}
