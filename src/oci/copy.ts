// Copies an image, or an index with all its images, from store to store. What is there already is not sent again; the
// name is set last, so that it never stands for something incomplete.
import type { Descriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { parseImageIndex } from "./image-index.ts";
import { parseManifest } from "./manifest.ts";
import { isIndexType, isManifestType } from "./media-types.ts";
import { fetchDocument, pushBytes, type ReadableStore, type Store } from "./store.ts";

export interface CopyOptions {
  /** Called when a blob is in place; `reused` when it was there before. */
  readonly onBlob?: (descriptor: Descriptor, reused: boolean) => void;
  readonly signal?: AbortSignal;
  /** Blobs on their way at once; 3 unless told otherwise. */
  readonly concurrency?: number;
}

const MAX_DEPTH = 4;

/** Throws OciError, DigestError, IoError. */
export async function copyImage(
  from: ReadableStore,
  descriptor: Descriptor,
  to: Store,
  name: string | undefined,
  options: CopyOptions = {},
): Promise<void> {
  await copyManifest(from, descriptor, to, options, 0);
  if (name !== undefined) await to.tag(descriptor, name);
}

async function copyManifest(
  from: ReadableStore,
  descriptor: Descriptor,
  to: Store,
  options: CopyOptions,
  depth: number,
): Promise<void> {
  const document = `${descriptor.digest} of ${from.description}`;
  if (depth > MAX_DEPTH)
    throw new OciError("LIMIT", `cannot copy ${document}: indexes within indexes, more than ${MAX_DEPTH} deep`);
  const bytes = await fetchDocument(from, descriptor);
  if (isIndexType(descriptor.mediaType)) {
    for (const child of parseImageIndex(bytes, `index ${document}`).manifests)
      await copyManifest(from, child, to, options, depth + 1);
  } else if (isManifestType(descriptor.mediaType)) {
    const { config, layers } = parseManifest(bytes, `manifest ${document}`);
    await copyBlobs(from, [config, ...layers], to, options);
  } else {
    throw new OciError("NOT_AN_IMAGE", `cannot copy ${document}: its media type is ${descriptor.mediaType}`);
  }
  await pushBytes(to, descriptor, bytes);
}

async function copyBlobs(
  from: ReadableStore,
  blobs: readonly Descriptor[],
  to: Store,
  options: CopyOptions,
): Promise<void> {
  const queue = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const worker = async (): Promise<void> => {
    for (let blob = queue.shift(); blob !== undefined; blob = queue.shift()) {
      options.signal?.throwIfAborted();
      const reused = await to.exists(blob);
      if (!reused) await to.push(blob, from.fetch(blob));
      options.onBlob?.(blob, reused);
    }
  };
  const workers = Array.from({ length: Math.min(options.concurrency ?? 3, queue.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    // The others stop before their next blob.
    queue.length = 0;
    await Promise.allSettled(workers);
    throw error;
  }
}
