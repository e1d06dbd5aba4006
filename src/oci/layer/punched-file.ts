// A file that is written from front to back with its long runs of zeros left out. Writes go to the thread pool and
// overlap with what the caller does; only so many bytes are under way at once.
import { type FileHandle, open } from "node:fs/promises";
import { isZero } from "../../base/bytes/index.ts";
import { writeError } from "../../base/io/index.ts";

const BLOCK_BYTES = 4096;
/** Shorter runs of zeros are written: a hole costs an extent. */
const MIN_HOLE_BLOCKS = 4;
const MAX_UNDER_WAY_BYTES = 8 * 1024 * 1024;

export class PunchedFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  #offset = 0;
  #underWayBytes = 0;
  #underWay = new Set<Promise<void>>();
  #failure: Error | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** A new file; it must not exist. */
  static async create(path: string): Promise<PunchedFile> {
    try {
      return new PunchedFile(path, await open(path, "wx", 0o644));
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** Appends; resolves as soon as there is room for more. The chunk must not change afterwards. Throws IoError. */
  async append(chunk: Uint8Array): Promise<void> {
    for (const { from, to } of dataRuns(chunk)) this.#write(chunk.subarray(from, to), this.#offset + from);
    this.#offset += chunk.length;
    while (this.#underWayBytes > MAX_UNDER_WAY_BYTES) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Everything is written, the length set, the file closed. */
  async finish(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#handle.truncate(this.#offset);
    } catch (error) {
      throw writeError(this.path, error);
    }
    await this.#handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#underWay);
    // Closing twice is harmless.
    await this.#handle.close().catch(() => undefined);
  }

  #write(bytes: Uint8Array, offset: number): void {
    this.#underWayBytes += bytes.length;
    const writing = this.#writeAll(bytes, offset)
      .catch((error: unknown) => {
        const failure = writeError(this.path, error);
        this.#failure ??= failure instanceof Error ? failure : new Error(String(failure));
      })
      .finally(() => {
        this.#underWayBytes -= bytes.length;
        this.#underWay.delete(writing);
      });
    this.#underWay.add(writing);
  }

  async #writeAll(bytes: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += (await this.#handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
    }
  }
}

/** The parts of a chunk that are to be written. */
function* dataRuns(chunk: Uint8Array): Generator<{ from: number; to: number }> {
  let from = 0;
  let zeroBlocks = 0;
  for (let at = 0; at < chunk.length; at += BLOCK_BYTES) {
    const end = Math.min(at + BLOCK_BYTES, chunk.length);
    // One byte decides for nearly every block that holds data.
    if (chunk[at] === 0 && chunk[end - 1] === 0 && isZero(chunk.subarray(at, end))) {
      zeroBlocks++;
      continue;
    }
    if (zeroBlocks >= MIN_HOLE_BLOCKS) {
      const holeAt = at - zeroBlocks * BLOCK_BYTES;
      if (holeAt > from) yield { from, to: holeAt };
      from = at;
    }
    zeroBlocks = 0;
  }
  const dataEnd = zeroBlocks >= MIN_HOLE_BLOCKS ? Math.max(from, alignedEnd(chunk.length, zeroBlocks)) : chunk.length;
  if (dataEnd > from) yield { from, to: dataEnd };
}

/** Where the last `zeroBlocks` blocks of a chunk begin; the very last one may be short. */
function alignedEnd(length: number, zeroBlocks: number): number {
  return (Math.ceil(length / BLOCK_BYTES) - zeroBlocks) * BLOCK_BYTES;
}
