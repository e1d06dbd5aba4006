// A file as a Source. Small reads are synchronous: with the page cache warm a pread costs 2 µs, a trip through the
// thread pool 40 µs, and a disk is made of ten thousands of small files. Large reads go to the pool.
import { closeSync, fstatSync, openSync, read, readSync } from "node:fs";
import { IoError, type Source } from "./source.ts";

const SYNC_LIMIT_BYTES = 256 * 1024;

export class FileSource implements Source, Disposable {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #fd: number;
  #closed = false;

  private constructor(path: string, fd: number, sizeBytes: number) {
    this.path = path;
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
  }

  /** Opens an existing regular file for reading. System errors pass through with their code. */
  static open(path: string): FileSource {
    const fd = openSync(path, "r");
    return new FileSource(path, fd, fstatSync(fd).size);
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      const rest = target.length - filled;
      const position = offset + filled;
      const got =
        rest <= SYNC_LIMIT_BYTES
          ? readSync(this.#fd, target, filled, rest, position)
          : await this.#readAsync(target, filled, rest, position);
      if (got === 0) {
        throw new IoError(
          "OUT_OF_RANGE",
          `cannot read ${target.length} bytes at offset ${offset} of ${this.path}: the file ends at ${offset + filled}`,
        );
      }
      filled += got;
    }
  }

  #readAsync(target: Uint8Array, at: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, target, at, length, position, (error, got) => (error === null ? resolve(got) : reject(error)));
    });
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }
}
