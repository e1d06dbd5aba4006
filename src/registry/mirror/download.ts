// A blob on its way from an upstream into the storage, read by any number of clients meanwhile. Its last byte is handed out
// only after the whole was verified and kept: a client that has it all has the right bytes.
import { open } from "node:fs/promises";
import { AtomicFile } from "../../base/io/index.ts";
import { type OpenBlob, openFile } from "../content.ts";
import type { ByteRange } from "../http/range.ts";

const CHUNK_BYTES = 256 * 1024;
const SYNC_BYTES = 64 * 1024 * 1024;

export class Download {
  readonly #path: string;
  readonly #sizeBytes: number;
  readonly #file: AtomicFile;
  #written = 0;
  #kept = false;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];
  /** Settles when the blob is kept, or is not going to be. */
  readonly done: Promise<void>;

  private constructor(
    path: string,
    sizeBytes: number,
    file: AtomicFile,
    input: AsyncIterable<Uint8Array>,
    keep: () => Promise<void>,
  ) {
    this.#path = path;
    this.#sizeBytes = sizeBytes;
    this.#file = file;
    this.done = this.#run(input, keep);
    this.done.catch(() => undefined);
  }

  /** `input` is checked on its way; `keep` runs before the file gets its name at `path`. */
  static async start(
    path: string,
    sizeBytes: number,
    input: AsyncIterable<Uint8Array>,
    keep: () => Promise<void>,
  ): Promise<Download> {
    const file = await AtomicFile.create(path, { mode: 0o644, syncEveryBytes: SYNC_BYTES });
    return new Download(path, sizeBytes, file, input, keep);
  }

  /** When there is something to read. Throws what the upstream threw. */
  async opened(): Promise<OpenBlob> {
    await this.#until(() => this.#kept || this.#available > 0);
    if (this.#kept) return await openFile(await open(this.#path, "r"));
    return { sizeBytes: this.#sizeBytes, read: (range) => this.#read(range), [Symbol.asyncDispose]: async () => {} };
  }

  async *#read({ start, end }: ByteRange): AsyncGenerator<Uint8Array> {
    for (let offset = start; offset < end;) {
      await this.#until(() => this.#kept || this.#available > offset);
      if (this.#kept) {
        await using blob = await openFile(await open(this.#path, "r"));
        yield* blob.read({ start: offset, end });
        return;
      }
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - offset, this.#available - offset));
      await this.#file.read(offset, chunk);
      offset += chunk.length;
      yield chunk;
    }
  }

  get #available(): number {
    return Math.min(this.#written, this.#sizeBytes - 1);
  }

  async #run(input: AsyncIterable<Uint8Array>, keep: () => Promise<void>): Promise<void> {
    try {
      await using file = this.#file;
      for await (const chunk of input) {
        await file.write(this.#written, chunk);
        this.#written += chunk.length;
        this.#wake();
      }
      await keep();
      await file.commit();
      this.#kept = true;
    } catch (error) {
      this.#failure = { error };
      throw error;
    } finally {
      this.#wake();
    }
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
