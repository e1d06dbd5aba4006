// A file that is written from front to back with its long runs of zeros left out. Writes go to the thread pool and
// overlap with what the caller does; only so many bytes are under way at once.
import { type FileHandle, open } from "node:fs/promises";
import { stretches, writeError } from "../../base/io/index.ts";

const MAX_UNDER_WAY_BYTES = 4 * 1024 * 1024;

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
    for (const [from, to] of stretches(chunk)) this.#write(chunk.subarray(from, to), this.#offset + from);
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
