// A stream of small chunks becomes large writes to a file, one on its way while the next is gathered; and what is written
// is on its way to the disk before anybody asks for it, so that the last sync has little to wait for.
import type { FileHandle } from "node:fs/promises";
import { writeError } from "./write-error.ts";

/** So much is written at once. */
const GATHER_BYTES = 1024 * 1024;

/** Starts a sync in the background each time so many bytes were written. */
export class SyncBehind {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #everyBytes: number;
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;
  /** The kernel reports a failed write-out once: what the background hears, `finish` must repeat. */
  #failure: { readonly error: unknown } | undefined;

  /** `path` names the file in messages. */
  constructor(handle: FileHandle, path: string, everyBytes: number) {
    this.#handle = handle;
    this.#path = path;
    this.#everyBytes = everyBytes;
  }

  wrote(bytes: number): void {
    this.#unsyncedBytes += bytes;
    if (this.#unsyncedBytes < this.#everyBytes || this.#syncing !== undefined) return;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  /** Waits for what is under way. Throws IoError. */
  async finish(): Promise<void> {
    await this.#syncing;
    if (this.#failure !== undefined) throw writeError(this.#path, this.#failure.error);
  }
}

/** Chunks belong to the writer. Always `end` it: nobody may close a file that a write is under way to. */
export class GatheredWriter {
  /** Where the next chunk will be. */
  position: number;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #sync: SyncBehind;
  #chunks: Uint8Array[] = [];
  #gatheredBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, path: string, position: number, sync: SyncBehind) {
    this.#handle = handle;
    this.#path = path;
    this.position = position;
    this.#sync = sync;
  }

  /** Throws IoError, perhaps for a write before. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#gatheredBytes += chunk.length;
    this.position += chunk.length;
    if (this.#gatheredBytes >= GATHER_BYTES) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#gatheredBytes === 0) return;
    this.#writing = this.#writeAll(this.#chunks, this.position - this.#gatheredBytes, this.#gatheredBytes);
    // Awaited by the next one, or at the end.
    this.#writing.catch(() => undefined);
    this.#chunks = [];
    this.#gatheredBytes = 0;
  }

  async #writeAll(chunks: readonly Uint8Array[], offset: number, sizeBytes: number): Promise<void> {
    try {
      const { bytesWritten } = await this.#handle.writev(chunks, offset);
      // A disk that is nearly full takes a part; the next write tells why.
      if (bytesWritten < sizeBytes)
        await writeAt(this.#handle, offset + bytesWritten, Buffer.concat(chunks).subarray(bytesWritten));
    } catch (error) {
      throw writeError(this.#path, error);
    }
    this.#sync.wrote(sizeBytes);
  }
}

/** All of it, in as many writes as it takes. */
export async function writeAt(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
}
