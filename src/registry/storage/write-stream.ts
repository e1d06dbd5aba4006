// A stream of small chunks becomes large writes, one on its way to the file while the next is gathered.
import type { FileHandle } from "node:fs/promises";
import { writeError } from "../../base/io/index.ts";

const GATHER_BYTES = 1024 * 1024;
/** Each time so many bytes are written they start on their way to the disk, so that the last sync has little to wait for. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** Writes at `offset`; the offset after the last byte. What arrived before an error of the input is written. */
export async function writeStream(
  handle: FileHandle,
  offset: number,
  input: AsyncIterable<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): Promise<number> {
  const writer = new GatheringWriter(handle, offset);
  try {
    for await (const chunk of input) {
      onChunk(chunk);
      await writer.write(chunk);
    }
  } finally {
    await writer.end();
  }
  return writer.position;
}

class GatheringWriter {
  readonly #handle: FileHandle;
  position: number;
  #chunks: Uint8Array[] = [];
  #gatheredBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;
  /** The kernel reports a failed write-out once. */
  #error: unknown;

  constructor(handle: FileHandle, position: number) {
    this.#handle = handle;
    this.position = position;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= GATHER_BYTES) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
    await this.#syncing;
    if (this.#error !== undefined) throw writeError("the upload", this.#error);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#error !== undefined) throw writeError("the upload", this.#error);
    this.#writing = this.#writeAll(this.#chunks, this.position).catch(this.#remember);
    this.position += this.#gatheredBytes;
    this.#unsyncedBytes += this.#gatheredBytes;
    this.#chunks = [];
    this.#gatheredBytes = 0;
    if (this.#unsyncedBytes < SYNC_BYTES || this.#syncing !== undefined) return;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#handle
      .datasync()
      .catch(this.#remember)
      .finally(() => (this.#syncing = undefined));
  }

  readonly #remember = (error: unknown): void => {
    this.#error ??= error;
  };

  async #writeAll(chunks: readonly Uint8Array[], position: number): Promise<void> {
    if (chunks.length === 0) return;
    const { bytesWritten } = await this.#handle.writev(chunks, position);
    if (bytesWritten === chunks.reduce((sum, chunk) => sum + chunk.length, 0)) return;
    // A disk that is nearly full takes a part; the next write tells why.
    const rest = Buffer.concat(chunks).subarray(bytesWritten);
    for (let done = 0; done < rest.length;)
      done += (await this.#handle.write(rest, done, rest.length - done, position + bytesWritten + done)).bytesWritten;
  }
}
