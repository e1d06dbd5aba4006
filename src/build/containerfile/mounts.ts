// RUN --mount: comma-separated `key=value` fields (RFC 4180 quotes around a field), their other names made one. Values may
// hold variables, so only those without are judged here.
import type { RunMount, RunMountType, Word } from "./instruction.ts";
import { suggestion } from "./nearest.ts";
import type { FlagContext } from "./flags.ts";
import type { Piece } from "./words.ts";

const TYPES: readonly RunMountType[] = ["bind", "cache", "secret", "tmpfs", "ssh"];

const OTHER_NAMES: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
  rw: "readwrite",
  "tmpfs-size": "size",
  "tmpfs-mode": "mode",
};

/** Of buildah; BuildKit has none of these. */
const MOUNT_FLAGS = ["nosuid", "nodev", "noexec"];
const PROPAGATION = ["shared", "rshared", "private", "rprivate", "slave", "rslave"];
const VOLUME_FLAGS = [...MOUNT_FLAGS, ...PROPAGATION, "z", "Z", "U", "bind-propagation"];

const OPTIONS: Readonly<Record<RunMountType, readonly string[]>> = {
  bind: [
    "from",
    "source",
    "target",
    "readonly",
    "readwrite",
    "bind-nonrecursive",
    "no-dereference",
    "relabel",
    "consistency",
    ...VOLUME_FLAGS,
  ],
  cache: ["id", "from", "source", "target", "readonly", "readwrite", "sharing", "mode", "uid", "gid", ...VOLUME_FLAGS],
  secret: ["id", "source", "target", "env", "required", "mode", "uid", "gid"],
  tmpfs: ["target", "size", "mode", "readonly", "readwrite", "tmpcopyup", ...MOUNT_FLAGS],
  ssh: ["id", "source", "target", "required", "mode", "uid", "gid"],
};

const SWITCHES = new Set([
  "readonly",
  "readwrite",
  "required",
  "tmpcopyup",
  "z",
  "Z",
  "U",
  "bind-nonrecursive",
  "no-dereference",
  ...MOUNT_FLAGS,
  ...PROPAGATION,
]);

const VALUES: Readonly<Record<string, readonly [pattern: RegExp, wanted: string]>> = {
  readonly: [/^(1|t|true|0|f|false)$/i, "true or false"],
  readwrite: [/^(1|t|true|0|f|false)$/i, "true or false"],
  required: [/^(1|t|true|0|f|false)$/i, "true or false"],
  sharing: [/^(shared|private|locked)$/i, "shared, private or locked"],
  mode: [/^[0-7]{1,6}$/, "octal digits"],
  uid: [/^\d{1,10}$/, "a number"],
  gid: [/^\d{1,10}$/, "a number"],
};

/** `context.fail` is thrown for each mistake. */
export function parseMount(word: Word, offset: number, context: FlagContext): RunMount {
  const fields = splitFields(word.text, offset, context).map((field) => splitField(field));
  const typeField = fields.find(({ key }) => key.toLowerCase() === "type");
  const type = mountType(typeField?.value, context);
  const options = new Map<string, Word>();
  for (const { key, value, at } of fields) {
    const name = optionName(key);
    if (name === "type") continue;
    if (!OPTIONS[type].includes(name)) {
      const hint = suggestion(key, [...OPTIONS[type], ...Object.keys(OTHER_NAMES)]);
      throw context.fail(
        at,
        `a mount of type ${type} has no option ${JSON.stringify(key)}`,
        hint ?? `It has ${OPTIONS[type].join(", ")}`,
      );
    }
    if (value === undefined && !SWITCHES.has(name))
      throw context.fail(at, `the option ${key} of a mount needs a value`, `Write ${key}=VALUE`);
    if (options.has(name)) throw context.fail(at, `the option ${key} is given twice`, "Remove one of the two");
    const given = value ?? { text: "true", offset: at };
    const rule = given.text.includes("$") ? undefined : VALUES[name];
    if (rule !== undefined && !rule[0].test(given.text))
      throw context.fail(given.offset, `${key} of a mount is ${JSON.stringify(given.text)}, wanted is ${rule[1]}`);
    options.set(name, context.word(given));
  }
  if (type === "secret") {
    if (!["id", "source", "target"].some((name) => options.has(name)))
      throw context.fail(offset, "a mount of type secret does not say which", "Write --mount=type=secret,id=NAME");
    if (options.has("id") && options.has("source"))
      throw context.fail(
        offset,
        "a mount of type secret has both id and source",
        "Remove source, which is another name of id",
      );
  }
  return { type, options, at: context.word({ text: "", offset }).at };
}

function mountType(value: Piece | undefined, context: FlagContext): RunMountType {
  if (value === undefined) return "bind";
  const type = TYPES.find((each) => each === value.text.toLowerCase());
  if (type !== undefined) return type;
  const hint = suggestion(value.text, TYPES) ?? `Types are ${TYPES.join(", ")}; a variable cannot stand here`;
  throw context.fail(value.offset, `there is no mount of type ${JSON.stringify(value.text)}`, hint);
}

function optionName(key: string): string {
  // Z is not z.
  const name = key === "Z" || key === "U" ? key : key.toLowerCase();
  return OTHER_NAMES[name] ?? name;
}

function splitField({ text, offset }: Piece): { key: string; value: Piece | undefined; at: number } {
  const equals = text.indexOf("=");
  if (equals < 0) return { key: text, value: undefined, at: offset };
  return {
    key: text.slice(0, equals),
    value: { text: text.slice(equals + 1), offset: offset + equals + 1 },
    at: offset,
  };
}

function splitFields(text: string, offset: number, context: FlagContext): Piece[] {
  const fields: Piece[] = [];
  for (let at = 0; at <= text.length;) {
    const quoted = text[at] === '"';
    const comma = text.indexOf(",", at);
    const end = quoted ? endOfQuotes(text, at) : comma < 0 ? text.length : comma;
    const field = text.slice(quoted ? at + 1 : at, quoted ? end - 1 : end);
    if ((end < text.length && text[end] !== ",") || end > text.length || (!quoted && field.includes('"')))
      throw context.fail(
        offset + at,
        "a quote of this mount is not at an end of a field",
        `Put quotes around the whole field: '"source=a,b"'`,
      );
    fields.push({ text: quoted ? field.replaceAll('""', '"') : field, offset: offset + (quoted ? at + 1 : at) });
    at = end + 1;
  }
  return fields;
}

/** The offset after the closing quote, where two stand for one; beyond the end when there is none. */
function endOfQuotes(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] !== '"') continue;
    if (text[at + 1] !== '"') return at + 1;
    at++;
  }
  return text.length + 1;
}
