// One disk into any number of files: read once, each chunk handed to every encoder. All files are complete before the
// first takes its name; whatever fails, none of this run is left.
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Content, sweepPartials } from "../../base/io/index.ts";
import { gather } from "./gather.ts";
import { CompressedQcow2Writer } from "./qcow2-compressed.ts";
import { Qcow2Writer } from "./qcow2.ts";
import { RawWriter } from "./raw.ts";
import type { DiskWriter, OutputCompression, OutputFile, OutputFormat } from "./writer.ts";

export interface OutputRequest {
  readonly format: OutputFormat;
  readonly path: string;
  /** qcow2 only; none unless told otherwise. */
  readonly compress?: OutputCompression;
}

export interface EncodeOptions {
  /** Also SHA-256 of every file, in the same pass where the format allows it. */
  readonly digest?: boolean;
  /** Bytes of data read and written, out of all the disk holds. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  readonly signal?: AbortSignal;
}

/** Writes the files whole or not at all, in the order they were asked for. Throws IoError, and what sources throw. */
export async function encodeAll(
  disk: Content,
  outputs: readonly OutputRequest[],
  options: EncodeOptions = {},
): Promise<OutputFile[]> {
  for (const directory of new Set(outputs.map(({ path }) => dirname(path)))) await sweepPartials(directory);
  await using writers = new AsyncDisposableStack();
  const all: DiskWriter[] = [];
  for (const output of outputs) all.push(writers.use(await createWriter(disk, output, options.digest ?? false)));
  await gather(
    disk,
    async (chunk) => {
      await settleAll(all.map((writer) => writer.push(chunk)));
    },
    {
      grainBytes: Math.max(512, ...all.map(({ grainBytes }) => grainBytes)),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    },
  );
  for (const writer of all) await writer.finish();
  options.signal?.throwIfAborted();
  return await commitAll(all, outputs);
}

function createWriter(disk: Content, output: OutputRequest, digest: boolean): Promise<DiskWriter> {
  if (output.format === "raw") return RawWriter.create(output.path, disk.sizeBytes, digest);
  const compression = output.compress ?? "none";
  if (compression === "none") return Qcow2Writer.create(output.path, disk, digest);
  return CompressedQcow2Writer.create(output.path, disk.sizeBytes, compression, digest);
}

/** Like Promise.all, but the chunk stays in use until the last encoder has let go of it. */
async function settleAll(promises: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(promises);
  await Promise.all(promises);
}

async function commitAll(writers: readonly DiskWriter[], outputs: readonly OutputRequest[]): Promise<OutputFile[]> {
  const files: OutputFile[] = [];
  try {
    for (const writer of writers) files.push(await writer.commit());
    return files;
  } catch (error) {
    for (const { path } of outputs.slice(0, files.length)) await rm(path, { force: true });
    throw error;
  }
}
