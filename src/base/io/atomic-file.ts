// Files that appear whole or not at all: bytes go to a temporary name beside the target, are synced, and take the
// target's name by rename. Left undone (error, abort), the temporary file is removed; after kill -9 it stays under its
// telling name (".NAME.PID.RANDOM.partial") and `sweepPartials` of the next run removes it.
import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemErrorCode } from "../errors.ts";
import { GatheredWriter, SyncBehind, writeAt } from "./gathered-writer.ts";
import { IoError, type Sink } from "./source.ts";
import { writeError } from "./write-error.ts";

export interface AtomicFileOptions {
  /** Permission bits of the finished file, before the umask; 0o666 unless told otherwise. */
  readonly mode?: number;
  /**
   * Each time so many bytes are written, they start on their way to the disk in the background, so that `commit` has
   * little left to wait for. For large files that are going to be synced.
   */
  readonly syncEveryBytes?: number;
}

/** A file in the making. `commit` gives it its name; dispose without commit leaves nothing. */
export class AtomicFile implements Sink, AsyncDisposable {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #sync: SyncBehind;
  #done = false;

  private constructor(path: string, temporary: string, handle: FileHandle, options: AtomicFileOptions) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#sync = new SyncBehind(handle, path, options.syncEveryBytes ?? Infinity);
  }

  static async create(path: string, options: AtomicFileOptions = {}): Promise<AtomicFile> {
    const temporary = join(
      dirname(path),
      `.${basename(path)}.${process.pid}.${randomBytes(6).toString("hex")}.partial`,
    );
    try {
      return new AtomicFile(path, temporary, await open(temporary, "wx+", options.mode ?? 0o666), options);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      await writeAt(this.#handle, offset, bytes);
      this.#sync.wrote(bytes.length);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Writes a stream from an offset on and returns its length. Its chunks must not change afterwards. */
  async writeStream(chunks: AsyncIterable<Uint8Array>, start = 0): Promise<number> {
    const writer = new GatheredWriter(this.#handle, this.path, start, this.#sync);
    try {
      for await (const chunk of chunks) await writer.write(chunk);
    } finally {
      await writer.end();
    }
    return writer.position - start;
  }

  /** Sets the length; what was not written below it is a hole. */
  async truncate(sizeBytes: number): Promise<void> {
    try {
      await this.#handle.truncate(sizeBytes);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      const result = await this.#handle.read(target, filled, target.length - filled, offset + filled);
      if (result.bytesRead === 0)
        throw new IoError("OUT_OF_RANGE", `cannot read back ${this.path}: it ends at ${offset + filled}`);
      filled += result.bytesRead;
    }
  }

  /**
   * Syncs, renames over `path`, syncs the directory. `sync: false` is for caches that can be made again; `as` is another
   * path in the same directory, for files whose content decides their name.
   */
  async commit(options: { readonly sync?: boolean; readonly as?: string } = {}): Promise<void> {
    try {
      await this.#sync.finish();
      if (options.sync !== false) await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#temporary, options.as ?? this.path);
      this.#done = true;
      if (options.sync !== false) await syncDirectory(dirname(this.path));
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }
}

/** Writes a small file atomically; missing directories are made. */
export async function writeFileAtomic(path: string, bytes: Uint8Array, options: AtomicFileOptions = {}): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await using file = await AtomicFile.create(path, options);
  await file.write(0, bytes);
  await file.commit();
}

/** Makes the names in a directory last: after `rename`, `open` of a new file, `mkdir`. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

const PARTIAL = /^\..+\.(\d+)\.[0-9a-f]{12}\.partial$/;

/** Removes what runs that were killed have left in a directory. Files of live processes are kept. */
export async function sweepPartials(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const pid = PARTIAL.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(directory, name), { force: true, recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}
