// Source patterns: Go's filepath.Glob, with "**" for any depth of directories. Matches come sorted, as paths of the
// context; directories that are symbolic links are entered when a pattern leads through them, never by "**".
import { type ByteString, byteStringToUtf8, utf8ToByteString } from "../../base/bytes/index.ts";
import { compilePattern } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import { resolvePath } from "../resolve-path.ts";
import type { ContextSource } from "./context.ts";
import { cleanPath, joinPath } from "./paths.ts";

export const MAX_ENTRIES = 2_000_000;

const META = /[*?[\\]/;

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/** A path as patterns see it: its text, or its bytes where it is none. */
export function matchable(path: ByteString): string {
  return ASCII.test(path) ? path : (byteStringToUtf8(path) ?? path);
}

/** Not of what a backslash takes literally. */
export function hasWildcards(pattern: string): boolean {
  return /[*?[]/.test(pattern.replaceAll(/\\./gs, ""));
}

/** Throws BuildError SYNTAX for a malformed pattern. */
export async function expandGlob(source: ContextSource, pattern: string): Promise<ByteString[]> {
  const found = new Set<ByteString>();
  const names = cleanPath(pattern).split("/");
  let directories = new Set<ByteString>([""]);
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    const next = isLast ? found : new Set<ByteString>();
    for (const directory of directories) for await (const path of step(source, directory, name)) next.add(path);
    if (next.size > MAX_ENTRIES) throw tooMany(pattern);
    directories = next;
  }
  return [...found].sort();
}

async function* step(source: ContextSource, directory: ByteString, name: string): AsyncGenerator<ByteString> {
  if (name === "") return yield directory;
  if (name === "**") return yield* directoriesBelow(source, directory);
  const { path, node } = await resolvePath((at) => source.lstat(at), directory);
  if (node?.type !== "directory") return;
  if (!META.test(name)) {
    const literal = utf8ToByteString(name);
    if ((await source.lstat(joinPath(path, literal))) !== undefined) yield joinPath(directory, literal);
    return;
  }
  const matches = compilePattern(name);
  for (const each of await source.names(path)) if (matches(matchable(each))) yield joinPath(directory, each);
}

/** The directory itself and all real directories below it. */
async function* directoriesBelow(source: ContextSource, directory: ByteString): AsyncGenerator<ByteString> {
  const pending = [directory];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if ((await source.lstat(path))?.type !== "directory") continue;
    yield path;
    for (const name of await source.names(path)) {
      const below = joinPath(path, name);
      if (!source.prunes(below)) pending.push(below);
    }
  }
}

export function tooMany(what: string): BuildError {
  return new BuildError("LIMIT", `cannot copy "${what}": it is more than ${MAX_ENTRIES} files`, {
    hint: "Copy a smaller part, or exclude in .containerignore what the image does not need",
  });
}
