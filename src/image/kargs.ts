// Kernel arguments: an ordered list of `key` or `key=value`. Sources in the order bootc joins them (bootc
// crates/lib/src/install.rs): root set, the image's kargs.d, deletions, the caller's own.
// kargs.d: usr/lib/bootc/kargs.d/*.toml with `kargs` and optional `match-architectures`; other keys are refused.
import { parse as parseToml } from "smol-toml";
import { byteStringToUtf8 } from "../base/bytes/index.ts";
import { messageOf } from "../base/errors.ts";
import { type DirectoryInode, lookupDirectory, sortedEntries } from "../tree/index.ts";
import type { Architecture } from "./architecture.ts";
import { ImageContractError } from "./errors.ts";
import { readText } from "./read-text.ts";

const KARGS_D = "usr/lib/bootc/kargs.d";

/** The image's own arguments for one architecture. Throws BAD_KARGS naming the file. */
export async function readKargsD(root: DirectoryInode, architecture: Architecture): Promise<string[]> {
  const folder = lookupDirectory(root, KARGS_D);
  const kargs: string[] = [];
  for (const [name] of folder === undefined ? [] : sortedEntries(folder)) {
    if (!name.endsWith(".toml")) continue;
    const path = `${KARGS_D}/${byteStringToUtf8(name) ?? name}`;
    const text = await readText(root, path);
    if (text !== undefined) kargs.push(...parseKargsToml(text, path, architecture));
  }
  return kargs;
}

export function parseKargsToml(text: string, path: string, architecture: Architecture): string[] {
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (cause) {
    throw new ImageContractError("BAD_KARGS", `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
  const unknown = Object.keys(table).find((key) => key !== "kargs" && key !== "match-architectures");
  if (unknown !== undefined) {
    throw new ImageContractError(
      "BAD_KARGS",
      `cannot read ${path}: unknown key "${unknown}", want kargs and match-architectures`,
    );
  }
  const architectures = stringList(table["match-architectures"] ?? [architecture.kernel], path, "match-architectures");
  const kargs = stringList(table["kargs"], path, "kargs");
  return architectures.includes(architecture.kernel) ? kargs : [];
}

function stringList(value: unknown, path: string, key: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new ImageContractError("BAD_KARGS", `cannot read ${path}: ${key} is not a list of strings`);
}

/** The kernel treats "-" and "_" in keys as equal. */
function keyOf(karg: string): string {
  const equals = karg.indexOf("=");
  return (equals < 0 ? karg : karg.slice(0, equals)).replaceAll("-", "_");
}

function normal(karg: string): string {
  const equals = karg.indexOf("=");
  return equals < 0 ? keyOf(karg) : keyOf(karg) + karg.slice(equals);
}

/**
 * Joins lists, dropping exact repetitions, after deletions from everything before `appended`.
 * A deletion `key=value` removes that argument, a bare `key` every value of it.
 */
export function joinKargs(
  base: readonly string[],
  deletions: readonly string[],
  appended: readonly string[],
): string[] {
  const kept = base.filter(
    (karg) =>
      !deletions.some((gone) => (gone.includes("=") ? normal(gone) === normal(karg) : keyOf(gone) === keyOf(karg))),
  );
  const result: string[] = [];
  const seen = new Set<string>();
  for (const karg of [...kept, ...appended]) {
    if (seen.has(normal(karg))) continue;
    seen.add(normal(karg));
    result.push(karg);
  }
  return result;
}

/** Refuses what would break the one-line `options` of a boot entry. */
export function assertKarg(karg: string): void {
  // oxlint-disable-next-line no-control-regex
  if (karg === "" || /[\x00-\x1f]/.test(karg)) {
    throw new ImageContractError(
      "BAD_KARGS",
      `cannot use kernel argument ${JSON.stringify(karg)}: empty or with control characters`,
    );
  }
  if (keyOf(karg) === "ostree") {
    throw new ImageContractError(
      "BAD_KARGS",
      `cannot use kernel argument ${JSON.stringify(karg)}: ostree= is set by the deployment`,
    );
  }
}
