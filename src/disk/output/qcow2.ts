// The disk as an uncompressed qcow2 file: planned tables, then data, all in file order. So it is written and hashed
// front to back, and a chunk goes out in one write.
import { createHash, type Hash } from "node:crypto";
import { finishDigest } from "../../base/digest.ts";
import { AtomicFile, type Content } from "../../base/io/index.ts";
import { CLUSTER_BYTES, planQcow2, type Qcow2Plan } from "../../formats/qcow2/index.ts";
import { type Chunk, CHUNK_BYTES } from "./gather.ts";
import { describeFile, type DiskWriter, FILE_OPTIONS, type OutputFile } from "./writer.ts";

export class Qcow2Writer implements DiskWriter {
  readonly grainBytes: number = CLUSTER_BYTES;
  readonly #file: AtomicFile;
  readonly #plan: Qcow2Plan;
  readonly #hash: Hash | undefined;
  #offset = 0;

  private constructor(file: AtomicFile, plan: Qcow2Plan, digest: boolean) {
    this.#file = file;
    this.#plan = plan;
    this.#hash = digest ? createHash("sha256") : undefined;
  }

  static async create(path: string, disk: Content, digest: boolean): Promise<Qcow2Writer> {
    const file = await AtomicFile.create(path, FILE_OPTIONS);
    try {
      const writer = new Qcow2Writer(file, planQcow2(disk), digest);
      await writer.#writeTables();
      return writer;
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #writeTables(): Promise<void> {
    let pieces: Uint8Array[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      await this.#append(Buffer.concat(pieces));
      pieces = [];
      bytes = 0;
    };
    for (const piece of this.#plan.metadata()) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= CHUNK_BYTES) await flush();
    }
    await flush();
  }

  /** The data of the disk without its holes is the data of the file. */
  push(chunk: Chunk): Promise<void> {
    return this.#append(chunk.bytes);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const offset = this.#offset;
    this.#offset += bytes.length;
    const written = this.#file.write(offset, bytes);
    // While the thread pool writes, and before anything is awaited: chunks come in order.
    this.#hash?.update(bytes);
    await written;
  }

  finish(): Promise<void> {
    if (this.#offset === this.#plan.fileSizeBytes) return Promise.resolve();
    throw new RangeError(`qcow2: wrote ${this.#offset} bytes of ${this.#plan.fileSizeBytes} planned`);
  }

  async commit(): Promise<OutputFile> {
    await this.#file.commit();
    return describeFile(this.#file.path, "qcow2", this.#hash === undefined ? undefined : finishDigest(this.#hash));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
