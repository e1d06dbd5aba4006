// A source that matches nothing: what was looked for, why it may be missing, and what is near.
import { type ByteString, printable, utf8ToByteString } from "../../base/bytes/index.ts";
import { suggestion } from "../containerfile/nearest.ts";
import { parentOf } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { resolvePath } from "../resolve-path.ts";
import type { ContextSource } from "./context.ts";
import { cleanPath } from "./paths.ts";

const MAX_NAMES = 1_000;

/** `excluded`: what the pattern matched, were it not for .containerignore and --exclude. */
export async function nothingMatches(
  source: ContextSource,
  pattern: string,
  excluded: readonly ByteString[],
): Promise<BuildError> {
  const what = `cannot copy "${printable(utf8ToByteString(pattern))}" of ${source.description}`;
  const [first] = excluded;
  if (first !== undefined) {
    const others = excluded.length === 1 ? "" : ` and ${excluded.length - 1} more`;
    return new BuildError("NOT_FOUND", `${what}: "${printable(first)}"${others} is excluded`, {
      hint: "Change .containerignore or --exclude: an exception is a line that begins with !",
    });
  }
  const hint = suggestion(pattern, await siblings(source, cleanPath(pattern)));
  const found = /[*?[]/.test(pattern) ? "no file matches" : "there is no such file";
  return new BuildError("NOT_FOUND", `${what}: ${found}`, hint === undefined ? {} : { hint });
}

/** The names beside what is missing, and one level below the root of a wrong directory. */
async function siblings(source: ContextSource, path: string): Promise<string[]> {
  for (let directory = parentOf(path); ; directory = parentOf(directory)) {
    const { path: real, node } = await resolvePath((at) => source.lstat(at), directory);
    if (node?.type === "directory") {
      const names = (await source.names(real)).slice(0, MAX_NAMES).map(printable);
      return names.map((name) => (directory === "" ? name : `${directory}/${name}`));
    }
    if (directory === "") return [];
  }
}
