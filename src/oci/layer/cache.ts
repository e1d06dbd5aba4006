// The layer cache: `<diffId>/data` is the decompressed tar with holes punched, beside it indexes. Derived, rebuildable.
// An entry appears by rename of a whole directory; several processes may make the same one, the first wins. Nothing is
// synced: after a reboot, data that may be torn is compared with the diffId once, before its first use.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex, finishDigest, isDigest } from "../../base/digest.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { assertExpansion } from "../../base/stream/index.ts";
import { AtomicFile, FileSource, IoError, MemorySource, sweepPartials, writeError } from "../../base/io/index.ts";
import { assertWithinLimits } from "../../formats/tar/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import type { Descriptor } from "../descriptor.ts";
import type { ImageLayer } from "../image.ts";
import { streamFile } from "../layout/read-file.ts";
import type { ReadableStore } from "../store.ts";
import { bootMarker, fileSize, isMarked, writeMarker } from "./boot-marker.ts";
import { layerError } from "./errors.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { decodeIndex, IndexEncoder, type LayerIndex } from "./index-file.ts";
import {
  DATA_FILE,
  fingerprintKey,
  indexingParser,
  indexName,
  ingestLayer,
  type IngestOptions,
  LayerFiles,
} from "./ingest.ts";
import { DEFAULT_LAYER_LIMITS, type LayerLimits } from "./limits.ts";
import { LayerPaths } from "./paths-file.ts";

/** A layer that is open for reading. Dispose it when its contents are no longer needed. */
export interface Layer extends Disposable {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  /** In the order of the tar. */
  readonly entries: readonly LayerEntry[];
  /** The decompressed tar. */
  readonly source: FileSource;
  readonly sizeBytes: number;
}

export interface OpenLayerOptions {
  readonly fingerprint?: Fingerprint;
  readonly limits?: LayerLimits;
  readonly signal?: AbortSignal;
  /** Called with each piece of decompressed bytes that was read from the blob; never when the cache has the layer. */
  readonly onBytes?: (bytes: number) => void;
  /** Called while entries come into memory, with how many more there are. */
  readonly onEntries?: (count: number) => void;
}

type CompleteOptions = OpenLayerOptions & IngestOptions;

const MAX_ATTEMPTS = 3;

export class LayerCache {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(directory: string): Promise<LayerCache> {
    try {
      await mkdir(directory, { recursive: true });
    } catch (error) {
      throw writeError(directory, error);
    }
    await sweepPartials(directory);
    return new LayerCache(directory);
  }

  /** The layer, from the cache or read into it. Throws LayerError; IoError when the cache cannot be written. */
  async open(store: ReadableStore, layer: ImageLayer, options: OpenLayerOptions = {}): Promise<Layer> {
    const complete: CompleteOptions = { ...options, limits: options.limits ?? DEFAULT_LAYER_LIMITS };
    try {
      // More than once when another process prunes what was just made.
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const cached = await this.#load(layer, complete).catch(vanished);
        if (cached !== undefined) return cached;
        await this.#ingest(store, layer, complete);
      }
    } catch (error) {
      throw layerError(error, layer);
    }
    throw new IoError(
      "READ_FAILED",
      `cannot read layer ${layer.descriptor.digest}: its cache entry vanished again and again`,
    );
  }

  /** To look up a few of its paths without reading all of its index. Throws as `open`. */
  async openPaths(store: ReadableStore, layer: ImageLayer, options: OpenLayerOptions = {}): Promise<LayerPaths> {
    const directory = this.#path(layer.diffId);
    const load = async (): Promise<LayerPaths | undefined> =>
      (await this.#isUsable(layer.diffId, directory)) ? LayerPaths.load(directory, layer.diffId) : undefined;
    const found = await load().catch(vanished);
    if (found !== undefined) return found;
    using opened = await this.open(store, layer, options);
    return await LayerPaths.make(directory, opened);
  }

  /** True when the layer can be opened without its blob. */
  async has(diffId: Digest): Promise<boolean> {
    return (await fileSize(join(this.#path(diffId), DATA_FILE))) !== undefined;
  }

  /** Removes all entries but those to keep; returns the diffIds that went. */
  async prune(keep: ReadonlySet<Digest>): Promise<Digest[]> {
    const removed: Digest[] = [];
    for (const name of await readdir(this.directory)) {
      const diffId = `sha256:${name}`;
      if (!isDigest(diffId) || keep.has(diffId)) continue;
      await this.#evict(diffId);
      removed.push(diffId);
    }
    return removed;
  }

  #path(diffId: Digest): string {
    return join(this.directory, digestHex(diffId));
  }

  async #load(layer: ImageLayer, options: CompleteOptions): Promise<Layer | undefined> {
    const directory = this.#path(layer.diffId);
    const identity = await identityOf(directory);
    if (identity === undefined) return undefined;
    if (!(await this.#isUsable(layer.diffId, directory))) {
      await this.#evict(layer.diffId, identity);
      return undefined;
    }
    const source = FileSource.open(join(directory, DATA_FILE));
    try {
      const index =
        (await loadIndex(directory, layer, source, options)) ?? (await reindex(directory, layer, source, options));
      assertWithinLimits(index.peaks, options.limits.tar);
      assertExpansion(layer.descriptor.sizeBytes, source.sizeBytes, options.limits.expansion);
      return {
        descriptor: layer.descriptor,
        diffId: layer.diffId,
        entries: index.entries,
        source,
        sizeBytes: source.sizeBytes,
        [Symbol.dispose]: () => source[Symbol.dispose](),
      };
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  /** There, and written since the system booted or found to have the digest that it should have. */
  async #isUsable(diffId: Digest, directory: string): Promise<boolean> {
    const sizeBytes = await fileSize(join(directory, DATA_FILE));
    if (sizeBytes === undefined) return false;
    const marker = bootMarker(sizeBytes);
    if (await isMarked(directory, marker)) return true;
    const hash = createHash("sha256");
    for await (const chunk of streamFile(join(directory, DATA_FILE))) hash.update(chunk);
    if (finishDigest(hash) !== diffId) return false;
    await LayerPaths.remove(directory).catch(() => undefined);
    // Only saves the next run this work: a cache that cannot be written is still good to read.
    await writeMarker(directory, marker).catch(() => undefined);
    return true;
  }

  async #ingest(store: ReadableStore, layer: ImageLayer, options: IngestOptions): Promise<void> {
    await this.#enter(digestHex(layer.diffId), async (directory) => {
      await ingestLayer(store, layer, directory, options);
      return layer;
    });
  }

  /**
   * A layer that is being made: `keep` takes the tar's bytes and stores them, compressed or not, and while they pass by
   * the cache gets them too, so that nobody has to read the blob again. Throws IoError and what `tar` and `keep` throw.
   */
  async adopt(
    tar: AsyncIterable<Uint8Array>,
    keep: (tar: AsyncIterable<Uint8Array>) => Promise<Descriptor>,
    options: OpenLayerOptions = {},
  ): Promise<ImageLayer> {
    const limits = options.limits ?? DEFAULT_LAYER_LIMITS;
    return this.#enter("new", async (directory) => {
      await using files = await LayerFiles.create(directory, { ...options, limits });
      const descriptor = await keep(appendTo(files, tar));
      await files.finish();
      return { descriptor, diffId: files.diffId };
    });
  }

  /** An entry is filled out of sight, by a function that says whose it is, and then takes its name. */
  async #enter(name: string, fill: (directory: string) => Promise<ImageLayer>): Promise<ImageLayer> {
    const temporary = this.#temporary(name);
    try {
      await mkdir(temporary);
      const layer = await fill(temporary);
      await writeMarker(temporary, bootMarker(await fileSize(join(temporary, DATA_FILE))));
      await rename(temporary, this.#path(layer.diffId)).catch(unlessThere);
      return layer;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /**
   * Out of sight first, so that nobody finds half of it. Open layers keep their file. With `identity` only the entry that
   * was found bad: another process may have put a good one in its place.
   */
  async #evict(diffId: Digest, identity?: string): Promise<void> {
    const aside = this.#temporary(digestHex(diffId));
    try {
      await rename(this.#path(diffId), aside);
      if (identity !== undefined && (await identityOf(aside)) !== identity) await rename(aside, this.#path(diffId));
    } catch (error) {
      if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(systemErrorCode(error) ?? "")) {
        throw writeError(this.directory, error);
      }
    }
    await rm(aside, { recursive: true, force: true });
  }

  #temporary(name: string): string {
    return join(this.directory, `.${name}.${process.pid}.${randomBytes(6).toString("hex")}.partial`);
  }
}

/** Somebody else was first: theirs is as good. */
function unlessThere(error: unknown): void {
  if (!["ENOTEMPTY", "EEXIST"].includes(systemErrorCode(error) ?? "")) throw error;
}

async function* appendTo(files: LayerFiles, tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of tar) {
    // The compressor has it while the cache is written.
    const appended = files.append(chunk);
    appended.catch(() => undefined);
    yield chunk;
    await appended;
  }
  files.end();
}

/** Another process took the entry away while it was being read: as if it had not been there. */
function vanished(error: unknown): undefined {
  if (systemErrorCode(error) !== "ENOENT") throw error;
}

/** Tells one directory from another that takes its name. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeMs } = await stat(path);
    // Numbers of inodes come back.
    return `${dev} ${ino} ${birthtimeMs}`;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function loadIndex(
  directory: string,
  layer: ImageLayer,
  source: FileSource,
  options: CompleteOptions,
): Promise<LayerIndex | undefined> {
  const key = fingerprintKey(options.fingerprint);
  const facts = { diffId: layer.diffId, sizeBytes: source.sizeBytes, fingerprint: key };
  try {
    using index = FileSource.open(join(directory, indexName(key)));
    return await decodeIndex(index, facts, source, options.onEntries);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** An index of another kind, from the data that is here already. */
async function reindex(
  directory: string,
  layer: ImageLayer,
  source: FileSource,
  options: CompleteOptions,
): Promise<LayerIndex> {
  const encoder = new IndexEncoder();
  const parser = indexingParser(encoder, options);
  for await (const chunk of streamFile(join(directory, DATA_FILE))) {
    options.signal?.throwIfAborted();
    parser.push(chunk);
  }
  parser.finish();
  const key = fingerprintKey(options.fingerprint);
  const facts = { diffId: layer.diffId, sizeBytes: source.sizeBytes, fingerprint: key };
  encoder.finish(facts, parser.peaks);
  const bytes = Buffer.concat(encoder.take());
  await writeIndex(join(directory, indexName(key)), bytes).catch(() => undefined);
  const index = await decodeIndex(new MemorySource(bytes), facts, source, options.onEntries);
  if (index === undefined) throw new Error(`the index of ${layer.diffId} does not read back`);
  return index;
}

/** Not synced, as `LayerFiles` does it. */
async function writeIndex(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await AtomicFile.create(path);
  await file.write(0, bytes);
  await file.commit({ sync: false });
}
