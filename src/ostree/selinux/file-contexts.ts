// SELinux file_contexts (selinux: file_contexts(5), selabel_file(5); docs/formats/ostree.md): which label a path gets.
// Lines are `REGEX [-TYPE] CONTEXT`. A matching literal wins over any regex; among equals the last line wins.
// Refuses expressions that JavaScript cannot compile.
import { type ByteString, printable } from "../../base/bytes/index.ts";
import { OstreeError } from "../errors.ts";

export type FileKind = "file" | "directory" | "symlink";

interface Spec {
  /** Position among all lines: the larger one wins. */
  readonly order: number;
  /** undefined: any type; "other": types that ostree does not have. */
  readonly kind: FileKind | "other" | undefined;
  /** undefined for `<<none>>`: no label. */
  readonly label: string | undefined;
}

interface RegexSpec extends Spec {
  readonly regex: RegExp;
}

const TYPES: Readonly<Record<string, Spec["kind"]>> = {
  "--": "file",
  "-d": "directory",
  "-l": "symlink",
  "-c": "other",
  "-b": "other",
  "-s": "other",
  "-p": "other",
};

const MAX_LINES = 200_000;

export class FileContexts {
  readonly #literals = new Map<ByteString, Spec[]>();
  /** By the literal text that every match begins with. */
  readonly #regexes = new Map<ByteString, RegexSpec[]>();
  #longestPrefix = 0;
  #order = 0;

  /** Adds a file's lines; later files win. `text` is bytes. Throws BAD_POLICY. */
  add(text: ByteString, path: string): void {
    for (const line of text.split("\n")) {
      const fields = line.trim().split(/\s+/);
      if (fields[0] === undefined || fields[0] === "" || fields[0].startsWith("#")) continue;
      const [pattern, type, context] = fields.length === 2 ? [fields[0], undefined, fields[1]] : fields;
      const isKnown = type === undefined || Object.hasOwn(TYPES, type);
      if (pattern === undefined || context === undefined || fields.length > 3 || !isKnown) {
        throw badPolicy(path, `the line "${printable(line.slice(0, 200))}" is not REGEX [-TYPE] CONTEXT`);
      }
      this.#add(pattern, type === undefined ? undefined : TYPES[type], context, path);
    }
  }

  #add(pattern: ByteString, kind: Spec["kind"], context: string, path: string): void {
    this.#order += 1;
    if (this.#order > MAX_LINES) throw badPolicy(path, `there are more than ${MAX_LINES} lines`);
    const spec: Spec = { order: this.#order, kind, label: context === "<<none>>" ? undefined : context };
    const { prefix, isLiteral } = fixedPrefix(pattern);
    if (isLiteral) {
      append(this.#literals, prefix, spec);
      return;
    }
    append(this.#regexes, prefix, { ...spec, regex: compile(pattern, path) });
    this.#longestPrefix = Math.max(this.#longestPrefix, prefix.length);
  }

  /** The label of an absolute path, or undefined when it has none. */
  lookup(path: ByteString, kind: FileKind): string | undefined {
    const literals = this.#literals.get(path) ?? [];
    for (let index = literals.length - 1; index >= 0; index--) {
      const spec = literals[index];
      if (spec !== undefined && (spec.kind === undefined || spec.kind === kind)) return spec.label;
    }
    let best: RegexSpec | undefined;
    for (let end = Math.min(path.length, this.#longestPrefix); end >= 0; end--) {
      const specs = this.#regexes.get(path.slice(0, end));
      if (specs !== undefined) best = lastMatch(specs, path, kind, best);
    }
    return best?.label;
  }
}

function lastMatch(
  specs: readonly RegexSpec[],
  path: ByteString,
  kind: FileKind,
  best: RegexSpec | undefined,
): RegexSpec | undefined {
  for (let index = specs.length - 1; index >= 0; index--) {
    const spec = specs[index];
    if (spec === undefined || (best !== undefined && spec.order < best.order)) return best;
    if (spec.kind !== undefined && spec.kind !== kind) continue;
    if (spec.regex.test(path)) return spec;
  }
  return best;
}

function append<Item>(map: Map<ByteString, Item[]>, key: ByteString, item: Item): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}

const META = new Set([".", "^", "$", "?", "*", "+", "|", "[", "(", "{"]);

/** The literal text that an expression begins with; all of it when it has no metacharacters. */
function fixedPrefix(pattern: ByteString): { readonly prefix: ByteString; readonly isLiteral: boolean } {
  if (hasTopLevelAlternative(pattern)) return { prefix: "", isLiteral: false };
  let prefix = "";
  for (let at = 0; at < pattern.length; at++) {
    let character = pattern.charAt(at);
    // A quantifier makes the character before it optional.
    if (META.has(character))
      return { prefix: "?*{".includes(character) ? prefix.slice(0, -1) : prefix, isLiteral: false };
    if (character === "\\") {
      at += 1;
      character = pattern.charAt(at);
      if (/[A-Za-z0-9]/.test(character)) return { prefix, isLiteral: false };
    }
    prefix += character;
  }
  return { prefix, isLiteral: true };
}

function hasTopLevelAlternative(pattern: ByteString): boolean {
  let depth = 0;
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "\\") at += 1;
    else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
    else if (character === "|" && depth === 0) return true;
  }
  return false;
}

const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  xdigit: "0-9A-Fa-f",
  space: "\\s",
  punct: "!-\\/:-@\\[-`{-~",
  word: "\\w",
};

/** Anchored at both ends; a dot matches a newline too. */
function compile(pattern: ByteString, path: string): RegExp {
  const source = pattern.replace(/\[:(\w+):\]/g, (found, name: string) => POSIX_CLASSES[name] ?? found);
  try {
    return new RegExp(`^(?:${source})$`, "s");
  } catch (cause) {
    throw badPolicy(path, `the expression "${printable(pattern.slice(0, 200))}" cannot be compiled`, cause);
  }
}

export function badPolicy(path: string, found: string, cause?: unknown): OstreeError {
  return new OstreeError("BAD_POLICY", `cannot read the image's SELinux policy, ${path}: ${found}`, { cause });
}
