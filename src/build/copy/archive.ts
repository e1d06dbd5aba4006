// ADD of an archive: a tar, plain or compressed, told by its content. gzip and zstd are read here, xz and bzip2 by the
// programs of these names. A compressed one is unpacked into a scratch file first: the layer refers to its contents.
// Owners, modes and attributes are the archive's, as buildah has it; names stay below the destination.
import { isZero, printable } from "../../base/bytes/index.ts";
import { messageOf } from "../../base/errors.ts";
import { AtomicFile, type Content, contentSource, readContent, type Source } from "../../base/io/index.ts";
import { sniffCompression } from "../../formats/compression/index.ts";
import { type TarEntry, TarError, TarParser, scanTar } from "../../formats/tar/index.ts";
import { baseName, contentOfSpans, type Inode, inodeOf, parentOf } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { resolvePath } from "../resolve-path.ts";
import { scratchContent } from "./context-file.ts";
import { decompress } from "./decompress.ts";
import { cleanPath, joinPath } from "./paths.ts";
import type { Staging } from "./staging.ts";

export interface Archive {
  readonly entries: readonly TarEntry[];
  /** The decompressed tar. */
  readonly source: Source;
}

const BLOCK_BYTES = 512;

/**
 * Undefined for what is no archive. `scratchPath`: a file that may be made. Throws BuildError BAD_VALUE for a spoilt
 * archive, UNSUPPORTED when a program is missing.
 */
export async function openArchive(
  content: Content,
  name: string,
  scratchPath: () => Promise<string>,
  signal: AbortSignal,
): Promise<Archive | undefined> {
  const head = new Uint8Array(Math.min(content.sizeBytes, BLOCK_BYTES));
  await readContent(content, 0, head);
  const compression = sniffCompression(head);
  try {
    if (compression === undefined) return isTar(head) ? await read(contentSource(content)) : undefined;
    const path = await scratchPath();
    const unpacked = await unpack(decompress(compression, content, signal), path);
    return unpacked ? await read(contentSource(scratchContent(path))) : undefined;
  } catch (error) {
    if (error instanceof BuildError || signal.aborted) throw error;
    const reason = error instanceof TarError ? "it is a damaged archive" : "it cannot be decompressed";
    throw new BuildError("BAD_VALUE", `cannot unpack "${name}": ${reason}: ${messageOf(error)}`, {
      cause: error,
      hint: "Fetch it again, or copy it as it is with COPY or ADD --unpack=false",
    });
  }
}

async function read(source: Source): Promise<Archive> {
  return { entries: await scanTar(source), source };
}

/** False, with nothing written, when it begins with no tar header. */
async function unpack(chunks: AsyncGenerator<Uint8Array>, path: string): Promise<boolean> {
  let head = Buffer.alloc(0);
  while (head.length < BLOCK_BYTES) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  if (!isTar(head)) {
    await chunks.return(undefined);
    return false;
  }
  await using file = await AtomicFile.create(path);
  await file.write(0, head);
  await file.writeStream(chunks, head.length);
  await file.commit({ sync: false });
  return true;
}

function isTar(head: Uint8Array): boolean {
  const block = head.subarray(0, BLOCK_BYTES);
  if (block.length < BLOCK_BYTES || isZero(block)) return false;
  try {
    new TarParser({ entry: () => undefined }).push(block);
    return true;
  } catch {
    return false;
  }
}

/** Puts the archive's entries below a directory, in their order, each over those before. */
export async function putArchive(
  archive: Archive,
  staging: Staging,
  destination: string,
  clamp: (seconds: number) => number,
): Promise<void> {
  const top = await staging.directory(destination);
  for (const entry of archive.entries) {
    const path = cleanPath(entry.path);
    const inode = entry.type === "hardlink" ? await linked(entry, staging, top) : inodeFrom(entry, archive, clamp);
    if (path !== "") await staging.put(await staging.directory(joinPath(top, parentOf(path))), baseName(path), inode);
    else if (inode.type === "directory") staging.describe(top, inode);
    else throw new BuildError("BAD_VALUE", `cannot unpack an archive: its root is a ${inode.type}`);
  }
}

function inodeFrom(entry: TarEntry, archive: Archive, clamp: (seconds: number) => number): Inode {
  return inodeOf({
    ...entry,
    target: entry.linkTarget,
    mtimeSeconds: clamp(entry.mtimeSeconds),
    content: contentOfSpans(entry.sizeBytes, entry.spans, archive.source),
  }) as Inode;
}

/** The inode that a hard link of the archive stands for: one of the archive, or of the target's. */
async function linked(entry: TarEntry, staging: Staging, top: string): Promise<Inode> {
  const target = joinPath(top, cleanPath(entry.linkTarget));
  const { node } = await resolvePath((path) => staging.lstat(path), target, false);
  if (node !== undefined && node.type !== "directory") return node;
  const found = node === undefined ? "is not there" : "is a directory";
  throw new BuildError(
    "BAD_VALUE",
    `cannot unpack hard link "${printable(entry.path)}": its target "${printable(entry.linkTarget)}" ${found}`,
  );
}
