// The disk as it is, sparse: blocks of zeros are left out, the length is set beforehand.
import { createHash, type Hash } from "node:crypto";
import { finishDigest, updateZeros } from "../../base/digest.ts";
import { AtomicFile, stretches } from "../../base/io/index.ts";
import type { Chunk } from "./gather.ts";
import { describeFile, type DiskWriter, FILE_OPTIONS, type OutputFile } from "./writer.ts";

const BLOCK_BYTES = 4096;

export class RawWriter implements DiskWriter {
  readonly grainBytes: number = BLOCK_BYTES;
  readonly #file: AtomicFile;
  readonly #sizeBytes: number;
  readonly #hash: Hash | undefined;
  /** Up to where the disk is hashed. */
  #hashed = 0;

  private constructor(file: AtomicFile, sizeBytes: number, digest: boolean) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#hash = digest ? createHash("sha256") : undefined;
  }

  static async create(path: string, sizeBytes: number, digest: boolean): Promise<RawWriter> {
    const file = await AtomicFile.create(path, FILE_OPTIONS);
    try {
      await file.truncate(sizeBytes);
      return new RawWriter(file, sizeBytes, digest);
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  async push(chunk: Chunk): Promise<void> {
    const written = this.#write(chunk);
    // Hashed while the thread pool writes, and before anything is awaited: chunks come in order.
    this.#hashChunk(chunk);
    await written;
  }

  async #write(chunk: Chunk): Promise<void> {
    for (const { at, start, length } of chunk.segments) {
      const bytes = chunk.bytes.subarray(start, start + Math.min(length, this.#sizeBytes - at));
      for (const [from, to] of stretches(bytes)) await this.#file.write(at + from, bytes.subarray(from, to));
    }
  }

  #hashChunk(chunk: Chunk): void {
    if (this.#hash === undefined) return;
    for (const { at, start, length } of chunk.segments) {
      this.#hashZeros(at);
      this.#hash.update(chunk.bytes.subarray(start, start + Math.min(length, this.#sizeBytes - at)));
      this.#hashed = Math.min(at + length, this.#sizeBytes);
    }
  }

  #hashZeros(end: number): void {
    if (this.#hash !== undefined) updateZeros(this.#hash, end - this.#hashed);
    this.#hashed = end;
  }

  finish(): Promise<void> {
    this.#hashZeros(this.#sizeBytes);
    return Promise.resolve();
  }

  async commit(): Promise<OutputFile> {
    await this.#file.commit();
    return describeFile(this.#file.path, "raw", this.#hash === undefined ? undefined : finishDigest(this.#hash));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
