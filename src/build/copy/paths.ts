// Paths of COPY and ADD as text.
import { type ByteString, printable } from "../../base/bytes/index.ts";
import { DEFAULT_TAR_LIMITS } from "../../formats/tar/index.ts";
import { BuildError } from "../error.ts";

/** Lexical: "a//./b/../c" is "a/c"; nothing is above the root. */
export function cleanPath(path: ByteString): ByteString {
  const names: ByteString[] = [];
  for (const name of path.split("/").filter((name) => name !== "" && name !== ".")) {
    if (name === "..") names.pop();
    else names.push(name);
  }
  return names.join("/");
}

export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return directory === "" ? name : name === "" ? directory : `${directory}/${name}`;
}

/** What every reader of a layer takes. Throws BuildError LIMIT. */
export function assertPathLength(path: ByteString): void {
  if (path.length <= DEFAULT_TAR_LIMITS.maxPathBytes) return;
  throw new BuildError(
    "LIMIT",
    `cannot copy to "/${printable(path.slice(0, 100))}…": its path has ${path.length} bytes`,
  );
}
