// A file of a context by reference. It is open only while it is read: a context of 100,000 files needs one descriptor.
// Each read makes sure that it still is the file that was looked at; one that changed meanwhile stops the build.
import { closeSync, constants, fstatSync, lstatSync, openSync, read, readSync, type Stats } from "node:fs";
import { type ByteString, bytesToByteString, printable, utf8ToByteString } from "../../base/bytes/index.ts";
import { messageOf } from "../../base/errors.ts";
import { type Content, contentFrom, type Source } from "../../base/io/index.ts";
import { BuildError } from "../error.ts";

/** Fewer bytes are read at once: a trip through the thread pool costs more. */
const SYNC_LIMIT_BYTES = 256 * 1024;
/** A name that has become a link or a fifo in between is neither followed nor waited for. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export type FileStamp = Pick<Stats, "dev" | "ino" | "size" | "mtimeMs" | "ctimeMs">;

export class ContextFile implements Source {
  readonly #path: string | Buffer;
  readonly #stamp: FileStamp;

  /** A path that is no UTF-8 comes as bytes. */
  constructor(path: string | Buffer, stamp: FileStamp) {
    this.#path = path;
    this.#stamp = stamp;
  }

  get sizeBytes(): number {
    return this.#stamp.size;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    const fd = this.#open();
    try {
      for (let filled = 0; filled < target.length;) {
        const rest = target.length - filled;
        const got = await readSome(fd, target, filled, rest, offset + filled);
        if (got === 0) throw changed(this.#name, `it ends at ${offset + filled} of ${this.sizeBytes} bytes`);
        filled += got;
      }
      // Afterwards: a change before or during the read shows, one after it does not matter.
      const now = fstatSync(fd);
      const was = this.#stamp;
      if (now.size !== was.size) throw changed(this.#name, `it has ${now.size} bytes and had ${was.size}`);
      const isSame = now.dev === was.dev && now.ino === was.ino;
      if (!isSame || now.mtimeMs !== was.mtimeMs || now.ctimeMs !== was.ctimeMs)
        throw changed(this.#name, "it was written to");
    } finally {
      closeSync(fd);
    }
  }

  #open(): number {
    try {
      return openSync(this.#path, OPEN_FLAGS);
    } catch (error) {
      throw unreadable(this.#name, error);
    }
  }

  get #name(): ByteString {
    return typeof this.#path === "string" ? utf8ToByteString(this.#path) : bytesToByteString(this.#path);
  }
}

/** A file that this process has just written. */
export function scratchContent(path: string): Content {
  const stats = lstatSync(path);
  return contentFrom(new ContextFile(path, stats), 0, stats.size);
}

export function unreadable(path: ByteString, error: unknown): BuildError {
  return new BuildError("NOT_FOUND", `cannot read "${printable(path)}" of the context: ${messageOf(error)}`, {
    cause: error,
  });
}

function readSome(fd: number, target: Uint8Array, at: number, length: number, position: number): Promise<number> {
  if (length <= SYNC_LIMIT_BYTES) return Promise.resolve(readSync(fd, target, at, length, position));
  return new Promise((resolve, reject) => {
    read(fd, target, at, length, position, (error, got) => (error === null ? resolve(got) : reject(error)));
  });
}

function changed(path: ByteString, found: string): BuildError {
  return new BuildError("BAD_VALUE", `cannot copy "${printable(path)}": it changed while it was copied: ${found}`, {
    hint: "Build again when nothing writes to the context, or exclude the file in .containerignore",
  });
}
