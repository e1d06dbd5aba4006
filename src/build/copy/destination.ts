// Where COPY and ADD put things: into a directory, or a file under a name. The rules are buildah's: a destination that ends
// in a slash, or takes several sources, a directory or an archive, is a directory; what exists decides otherwise.
import { posix } from "node:path";
import { type ByteString, printable, utf8ToByteString } from "../../base/bytes/index.ts";
import { baseName, parentOf } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { resolvePath } from "../resolve-path.ts";
import type { CopyRequest } from "./request.ts";
import { assertPathLength, cleanPath } from "./paths.ts";
import type { Staging } from "./staging.ts";

export interface Destination {
  readonly directory: ByteString;
  /** The name of the one file; undefined: files keep theirs. */
  readonly name: ByteString | undefined;
}

type Where = Pick<CopyRequest, "destination" | "workdir" | "sources">;

/** Absolute, cleaned, without the leading slash. */
export function destinationPath({ destination, workdir }: Where): ByteString {
  return cleanPath(utf8ToByteString(posix.resolve("/", workdir, destination)));
}

/** Whether the instruction alone says that the destination is a directory. */
export function isFolder(where: Where): boolean {
  return (
    /(^|\/)\.?$/.test(where.destination) ||
    where.sources.length > 1 ||
    destinationPath(where) === cleanPath(utf8ToByteString(where.workdir))
  );
}

/** `files`: how many are copied that are neither trees nor archives, of `things` in all. Throws BuildError BAD_VALUE. */
export async function findDestination(
  request: CopyRequest,
  { files, things }: { readonly files: number; readonly things: number },
  staging: Staging,
): Promise<Destination> {
  const path = destinationPath(request);
  assertPathLength(path);
  const folder = isFolder(request);
  const onlyFile = files === 1 && things === 1;
  const asFile = { directory: parentOf(path), name: baseName(path) };
  const asDirectory = { directory: path, name: undefined };
  if (request.link) return folder || !onlyFile ? asDirectory : asFile;
  const { node } = await resolvePath((at) => staging.lstat(at), path);
  if (node?.type === "directory") return asDirectory;
  if (node !== undefined) {
    // A link to a file is replaced, not written through.
    if (onlyFile && !folder) return asFile;
    throw new BuildError("BAD_VALUE", `cannot copy into "/${printable(path)}": it is a ${node.type}, want a directory`);
  }
  if (folder) return asDirectory;
  if (onlyFile) return (await isThere(path, staging)) ? asDirectory : asFile;
  if (files > 0)
    throw new BuildError("BAD_VALUE", `cannot copy ${things} files to "/${printable(path)}": want a directory`, {
      hint: "End the destination with a slash",
    });
  return asDirectory;
}

/** A link that leads nowhere is one to a directory that is made. */
async function isThere(path: ByteString, staging: Staging): Promise<boolean> {
  return (await resolvePath((at) => staging.lstat(at), path, false)).node !== undefined;
}
