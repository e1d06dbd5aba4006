// A layer's first reading: blob → size and digest checked → decompressed → diffId checked → cache file and index. One
// pass; the decompressor and the writes run in the thread pool while the main thread hashes.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { finishDigest } from "../../base/digest.ts";
import { AtomicFile } from "../../base/io/index.ts";
import { TarParser } from "../../formats/tar/index.ts";
import type { ImageLayer } from "../image.ts";
import type { ReadableStore } from "../store.ts";
import { decompress } from "./decompress.ts";
import { assertDiffId } from "./diff-id.ts";
import { mayBeCorrupt } from "./errors.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { encodeIndex } from "./index-file.ts";
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
  await using data = await PunchedFile.create(join(directory, DATA_FILE));
  const recorder = new Recorder(options.fingerprint);
  const parser = new TarParser(recorder, options.limits.tar);
  const diff = createHash("sha256");
  const blob = new VerifiedInput(store.fetch(layer.descriptor));
  let sizeBytes = 0;
  try {
    for await (const chunk of decompress(blob, options.limits.expansion)) {
      options.signal?.throwIfAborted();
      const written = data.append(chunk);
      // Awaited below, unless the parser throws first.
      written.catch(() => undefined);
      for (let at = 0; at < chunk.length; at += TURN_BYTES) {
        const piece = chunk.subarray(at, at + TURN_BYTES);
        diff.update(piece);
        parser.push(piece);
        await turn();
      }
      sizeBytes += chunk.length;
      await written;
      options.onBytes?.(chunk.length);
    }
    parser.finish();
  } catch (error) {
    // When the bytes are not those of the digest, that is what is wrong; what they look like does not matter.
    if (mayBeCorrupt(error)) await blob.finish();
    throw error;
  } finally {
    await blob.close();
  }
  await blob.finish();
  assertDiffId(finishDigest(diff), layer.diffId);
  await data.finish();
  const facts = { diffId: layer.diffId, sizeBytes, fingerprint: fingerprintKey(options.fingerprint) };
  await writeIndex(directory, facts.fingerprint, encodeIndex(facts, parser.peaks, recorder.records));
}

export function fingerprintKey(fingerprint: Fingerprint | undefined): string | null {
  return fingerprint === undefined ? null : `${fingerprint.name}-${fingerprint.version ?? 1}`;
}

export function indexName(key: string | null): string {
  return key === null ? "index" : `index-${key}`;
}

/** Not synced: what is torn does not match its own digest and is made again. */
export async function writeIndex(directory: string, key: string | null, lines: readonly Uint8Array[]): Promise<void> {
  await using file = await AtomicFile.create(join(directory, indexName(key)));
  let offset = 0;
  for (const line of lines) {
    await file.write(offset, line);
    offset += line.length;
  }
  await file.commit({ sync: false });
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
