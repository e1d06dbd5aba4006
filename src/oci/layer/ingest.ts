// A layer's first reading: blob → size and digest checked → decompressed → diffId checked → cache file and index. One
// pass; the decompressor and the writes run in the thread pool while the main thread hashes.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { type Digest, finishDigest } from "../../base/digest.ts";
import { AtomicFile } from "../../base/io/index.ts";
import { collectOldBuffers } from "../../base/memory.ts";
import { TarParser } from "../../formats/tar/index.ts";
import type { ImageLayer } from "../image.ts";
import type { ReadableStore } from "../store.ts";
import { decompress } from "./decompress.ts";
import { assertDiffId } from "./diff-id.ts";
import { mayBeCorrupt } from "./errors.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { IndexEncoder } from "./index-file.ts";
import type { LayerLimits } from "./limits.ts";
import { PunchedFile } from "./punched-file.ts";
import { Recorder } from "./recorder.ts";

export const DATA_FILE = "data";

/** Hashed in one go. Between two of them the event loop turns, or the decompressor waits for its next input meanwhile. */
const TURN_BYTES = 256 * 1024;

export interface IngestOptions {
  readonly fingerprint?: Fingerprint;
  readonly limits: LayerLimits;
  readonly signal?: AbortSignal;
  /** Called with each piece of decompressed bytes that is done. */
  readonly onBytes?: (bytes: number) => void;
}

/** Fills `directory`, which is empty, with data and index. Throws LayerError and the errors of its parts. */
export async function ingestLayer(
  store: ReadableStore,
  layer: ImageLayer,
  directory: string,
  options: IngestOptions,
): Promise<void> {
  const blob = new VerifiedInput(store.fetch(layer.descriptor));
  await using files = await LayerFiles.create(directory, options);
  try {
    for await (const chunk of decompress(blob, options.limits.expansion)) await files.append(chunk);
    files.end();
  } catch (error) {
    // When the bytes are not those of the digest, that is what is wrong; what they look like does not matter.
    if (mayBeCorrupt(error)) await blob.finish();
    throw error;
  } finally {
    await blob.close();
  }
  await blob.finish();
  assertDiffId(files.diffId, layer.diffId);
  await files.finish();
}

/** The cache entry of a tar that passes by: its data, its index, its diffId. */
export class LayerFiles implements AsyncDisposable {
  readonly #options: IngestOptions;
  readonly #data: PunchedFile;
  readonly #indexFile: AtomicFile;
  readonly #index = new IndexEncoder();
  readonly #parser: TarParser;
  readonly #diff = createHash("sha256");
  #indexBytes = 0;
  #sizeBytes = 0;
  #diffId: Digest | undefined;

  private constructor(data: PunchedFile, indexFile: AtomicFile, options: IngestOptions) {
    this.#options = options;
    this.#data = data;
    this.#indexFile = indexFile;
    this.#parser = indexingParser(this.#index, options);
  }

  static async create(directory: string, options: IngestOptions): Promise<LayerFiles> {
    const indexFile = await AtomicFile.create(join(directory, indexName(fingerprintKey(options.fingerprint))));
    try {
      return new LayerFiles(await PunchedFile.create(join(directory, DATA_FILE)), indexFile, options);
    } catch (error) {
      await indexFile[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The chunk must not change afterwards. */
  async append(chunk: Uint8Array): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const written = this.#data.append(chunk);
    // Awaited below, unless the parser throws first.
    written.catch(() => undefined);
    for (let at = 0; at < chunk.length; at += TURN_BYTES) {
      const piece = chunk.subarray(at, at + TURN_BYTES);
      this.#diff.update(piece);
      this.#parser.push(piece);
      await turn();
    }
    this.#sizeBytes += chunk.length;
    await this.#writeIndex();
    await written;
    collectOldBuffers();
    this.#options.onBytes?.(chunk.length);
  }

  /** The tar has ended. Throws TarError TRUNCATED. */
  end(): void {
    this.#parser.finish();
    this.#diffId = finishDigest(this.#diff);
  }

  /** Known after `end`. */
  get diffId(): Digest {
    if (this.#diffId === undefined) throw new TypeError("the tar has not ended yet");
    return this.#diffId;
  }

  /** The index is not synced: what is torn does not match its own digest and is made again. */
  async finish(): Promise<void> {
    await this.#data.finish();
    const fingerprint = fingerprintKey(this.#options.fingerprint);
    this.#index.finish({ diffId: this.diffId, sizeBytes: this.#sizeBytes, fingerprint }, this.#parser.peaks);
    await this.#writeIndex();
    await this.#indexFile.commit({ sync: false });
  }

  async #writeIndex(): Promise<void> {
    for (const line of this.#index.take()) {
      await this.#indexFile.write(this.#indexBytes, line);
      this.#indexBytes += line.length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#data[Symbol.asyncDispose]();
    await this.#indexFile[Symbol.asyncDispose]();
  }
}

/** Reads a tar and gives the index what it finds. */
export function indexingParser(index: IndexEncoder, { fingerprint, limits }: IngestOptions): TarParser {
  return new TarParser(new Recorder(fingerprint, (record) => index.add(record)), limits.tar);
}

export function fingerprintKey(fingerprint: Fingerprint | undefined): string | null {
  return fingerprint === undefined ? null : `${fingerprint.name}-${fingerprint.version ?? 1}`;
}

export function indexName(key: string | null): string {
  return key === null ? "index" : `index-${key}`;
}

/** A verified stream that can be read on to its end after the reader of its first part gave up. */
class VerifiedInput implements AsyncIterable<Uint8Array> {
  readonly #iterator: AsyncIterator<Uint8Array>;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { done, value } = await this.#iterator.next();
      if (done === true) return;
      yield value;
    }
  }

  /** Reads the rest; throws what is wrong with the bytes. */
  async finish(): Promise<void> {
    while ((await this.#iterator.next()).done !== true);
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
