// What every disk encoder is: it takes the chunks of a gathered disk in order, writes them its way beside the target,
// and gives the file its name at the end.
import { stat } from "node:fs/promises";
import type { Digest } from "../../base/digest.ts";
import type { AtomicFileOptions } from "../../base/io/index.ts";
import type { Chunk } from "./gather.ts";

export type OutputFormat = "raw" | "qcow2";
export type OutputCompression = "none" | "zlib" | "zstd";

export interface OutputFile {
  readonly path: string;
  readonly format: OutputFormat;
  /** Length of the file, holes included. */
  readonly sizeBytes: number;
  /** What it takes on its file system. */
  readonly allocatedBytes: number;
  /** Of the whole file, when it was asked for. */
  readonly digest?: Digest;
}

export interface DiskWriter extends AsyncDisposable {
  /** Unit in which it stores data; chunks come in multiples of it. A power of two. */
  readonly grainBytes: number;
  /**
   * Takes the next chunk. Called in disk order, possibly before the promise of the chunk before has settled; the
   * chunk's bytes are the writer's until its own promise settles.
   */
  push(chunk: Chunk): Promise<void>;
  /** Writes what is left. The target's name is still untouched. */
  finish(): Promise<void>;
  /** Syncs and gives the file its name. Disposing without commit leaves nothing. */
  commit(): Promise<OutputFile>;
}

/** Disks are large and are synced before they take their name. */
export const FILE_OPTIONS: AtomicFileOptions = { syncEveryBytes: 64 * 1024 * 1024 };

/** What is known of a finished file. */
export async function describeFile(
  path: string,
  format: OutputFormat,
  digest: Digest | undefined,
): Promise<OutputFile> {
  const { size, blocks } = await stat(path);
  // st_blocks counts 512 bytes, whatever the file system's block is.
  return { path, format, sizeBytes: size, allocatedBytes: blocks * 512, ...(digest === undefined ? {} : { digest }) };
}
