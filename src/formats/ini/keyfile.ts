// GLib key files (https://docs.gtk.org/glib/struct.KeyFile.html, "desktop entry" syntax): ostree's repo config, .origin
// and prepare-root.conf. Groups and keys keep their order, comments are dropped, a later key of the same name wins.
// Refuses lines that are none of: group, key=value, comment, blank.
import { SlipwayError } from "../../base/errors.ts";

export class KeyfileError extends SlipwayError<"BAD_LINE" | "TOO_LARGE"> {}

export type Keyfile = ReadonlyMap<string, ReadonlyMap<string, string>>;

const MAX_BYTES = 1024 * 1024;

/** `name` is only for messages. */
export function parseKeyfile(text: string, name: string): Keyfile {
  if (text.length > MAX_BYTES) {
    throw new KeyfileError(
      "TOO_LARGE",
      `cannot read ${name}: ${text.length} characters, at most ${MAX_BYTES} are allowed`,
    );
  }
  const groups = new Map<string, Map<string, string>>();
  let group: Map<string, string> | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const header = /^\[([^\]]+)\]$/.exec(trimmed)?.[1];
    const equals = trimmed.indexOf("=");
    if (header !== undefined) {
      group = groups.get(header) ?? new Map<string, string>();
      groups.set(header, group);
    } else if (group !== undefined && equals > 0) {
      group.set(trimmed.slice(0, equals).trim(), trimmed.slice(equals + 1).trim());
    } else {
      throw new KeyfileError(
        "BAD_LINE",
        `cannot read ${name}, line ${index + 1}: found "${trimmed.slice(0, 80)}", want [group] or key=value`,
      );
    }
  }
  return groups;
}

/** Groups separated by an empty line, as ostree writes its config. */
export function formatKeyfile(groups: Iterable<readonly [string, Iterable<readonly [string, string]>]>): string {
  return [...groups]
    .map(([name, keys]) => `[${name}]\n${[...keys].map(([key, value]) => `${key}=${value}\n`).join("")}`)
    .join("\n");
}

/** GLib's and ostree's booleans: true/yes/1 and false/no/0; undefined for anything else. */
export function keyfileBoolean(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (["true", "yes", "1"].includes(value.toLowerCase())) return true;
  if (["false", "no", "0"].includes(value.toLowerCase())) return false;
  return undefined;
}
