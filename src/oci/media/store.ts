// A disk file as an image that can be copied anywhere: the documents in memory, the one layer read from the file each time
// it is asked for. Nothing is kept in between; compression is done twice rather than stored.
import { createHash } from "node:crypto";
import { type Digest, DigestError, finishDigest } from "../../base/digest.ts";
import type { Source } from "../../base/io/index.ts";
import { countBytes, hashBytes, skipBytes, verifyStream } from "../../base/stream/index.ts";
import { zstd } from "../../formats/zstd/index.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { streamSource } from "../layout/read-file.ts";
import { formatManifest, type Manifest } from "../manifest.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { bytesOnce, type NamedDescriptor, type ReadableStore } from "../store.ts";
import { MediaError } from "./error.ts";
import { ZSTD } from "./format.ts";

export interface LayerOptions {
  readonly compression?: "zstd";
  /** Bytes of the file that have been read for its digest. */
  readonly onBytes?: (bytes: number) => void;
}

/** The bytes of a layer, their digest known. */
export interface FileLayer {
  readonly descriptor: Descriptor;
  /** Digest before compression. */
  readonly diffId: Digest;
  readonly open: (offset: number) => AsyncIterable<Uint8Array>;
}

/** Reads the source once. Throws IoError, and what `onBytes` throws. */
export async function describeLayer(source: Source, mediaType: string, options: LayerOptions): Promise<FileLayer> {
  const isCompressed = options.compression === "zstd";
  const plain = (offset: number): AsyncIterable<Uint8Array> => streamSource(source, offset, source.sizeBytes - offset);
  const diff = createHash("sha256");
  const blob = createHash("sha256");
  const read = hashBytes(countBytes(plain(0), options.onBytes), diff);
  let sizeBytes = 0;
  for await (const chunk of isCompressed ? zstd(read) : read) {
    if (isCompressed) blob.update(chunk);
    sizeBytes += chunk.length;
  }
  const diffId = finishDigest(diff);
  return {
    descriptor: {
      mediaType: isCompressed ? `${mediaType}${ZSTD.suffix}` : mediaType,
      digest: isCompressed ? finishDigest(blob) : diffId,
      sizeBytes,
    },
    diffId,
    open: (offset) => (isCompressed ? skipBytes(zstd(plain(0)), offset) : plain(offset)),
  };
}

export class MediaStore implements ReadableStore {
  readonly description: string;
  readonly manifest: Descriptor;
  /** As the manifest names it. */
  readonly layer: Descriptor;
  readonly #documents: ReadableStore;
  readonly #open: FileLayer["open"];

  private constructor(file: string, manifest: Descriptor, layer: FileLayer, documents: ReadableStore) {
    this.description = file;
    this.manifest = manifest;
    this.layer = layer.descriptor;
    this.#documents = documents;
    this.#open = layer.open;
  }

  /** An image of one layer with this config; `more` is what else the manifest says. */
  static async create(
    file: string,
    layer: FileLayer,
    config: { readonly mediaType: string; readonly bytes: Uint8Array },
    more: Pick<Manifest, "artifactType"> = {},
  ): Promise<MediaStore> {
    const documents = new MemoryStore();
    const keep = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
      const descriptor = describeBytes(mediaType, bytes);
      await documents.push(descriptor, bytesOnce(bytes));
      return descriptor;
    };
    const manifest = formatManifest({
      mediaType: MEDIA_TYPE.manifest,
      ...more,
      config: await keep(config.mediaType, config.bytes),
      layers: [layer.descriptor],
      annotations: {},
    });
    return new MediaStore(file, await keep(MEDIA_TYPE.manifest, manifest), layer, documents);
  }

  async exists(descriptor: Descriptor): Promise<boolean> {
    return descriptor.digest === this.layer.digest || this.#documents.exists(descriptor);
  }

  fetch(descriptor: Descriptor): AsyncIterable<Uint8Array> {
    if (descriptor.digest !== this.layer.digest) return this.#documents.fetch(descriptor);
    return verifyStream(this.#open(0), descriptor, `the layer of ${this.description}`);
  }

  fetchFrom(descriptor: Descriptor, offset: number): AsyncIterable<Uint8Array> {
    return descriptor.digest === this.layer.digest
      ? this.#open(offset)
      : skipBytes(this.#documents.fetch(descriptor), offset);
  }

  resolve(): Promise<Descriptor> {
    return Promise.resolve(this.manifest);
  }

  list(): Promise<readonly NamedDescriptor[]> {
    return Promise.resolve([{ name: undefined, descriptor: this.manifest }]);
  }
}

/** A file whose digest is another one than a moment ago. */
export function changedError(error: unknown, file: string): unknown {
  if (!(error instanceof DigestError)) return error;
  return new MediaError("CHANGED", `cannot push ${file}: it was written to meanwhile`, {
    hint: "Shut down the machine that runs on this disk, or push a copy",
    cause: error,
  });
}
