// Copies an image, or an index with all its images, from store to store. What is there already is not sent again, what a
// registry can take over from a neighbour is not sent at all; the name is set last, so that it never stands for something
// incomplete. Everything is kept as received unless another compression is asked for.
import { makeTempDir } from "../base/io/index.ts";
import { NO_PROGRESS, type Progress } from "../base/progress.ts";
import { countBytes, skipBytes } from "../base/stream/index.ts";
import { describeBytes, type Descriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { formatImageIndex, parseImageIndex } from "./image-index.ts";
import { openDescriptor } from "./image.ts";
import { streamFile } from "./layout/read-file.ts";
import { formatManifest, type Manifest, parseManifest } from "./manifest.ts";
import {
  type Compression,
  isConfigType,
  isIndexType,
  isManifestType,
  layerCompression,
  MEDIA_TYPE,
} from "./media-types.ts";
import { recodeLayer } from "./recode.ts";
import { fetchDocument, isRemote, pushBytes, type ReadableStore, type Store } from "./store.ts";

export interface CopyOptions {
  /** Called when a blob is in place; `reused` when it was there before. */
  readonly onBlob?: (descriptor: Descriptor, reused: boolean) => void;
  /** A stage for each blob. */
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Blobs on their way at once; 3 unless told otherwise. */
  readonly concurrency?: number;
  /** What layers are made to be; as they are when not given. Another compression is another digest. */
  readonly compression?: Compression;
  /** Docker's documents become OCI's, for places where the containers tools look for nothing else. */
  readonly documents?: "oci";
  /** Documents stay as they are, and a wanted compression that would change them is UNSUPPORTED. */
  readonly preserveDigests?: boolean;
  /** A repository of the target's registry that may have the blobs already. */
  readonly mountFrom?: string;
  /** Where layers in another compression wait; the system's temporary directory unless given. */
  readonly scratch?: string;
}

export const MAX_DEPTH = 4;

/**
 * Returns what the copy is called: the same descriptor unless it was recompressed. Without a name the caller lets
 * something stand for it. Throws OciError, LayerError, DigestError, IoError, and what the stores throw.
 */
export async function copyImage(
  from: ReadableStore,
  descriptor: Descriptor,
  to: Store,
  name: string | undefined,
  options: CopyOptions = {},
): Promise<Descriptor> {
  const { mediaType, digest, sizeBytes } = await copyManifest({ from, to, options }, descriptor, 0);
  const plain = { mediaType, digest, sizeBytes };
  if (name !== undefined) await to.tag(plain, name);
  return plain;
}

interface Route {
  readonly from: ReadableStore;
  readonly to: Store;
  readonly options: CopyOptions;
}

async function copyManifest(route: Route, descriptor: Descriptor, depth: number): Promise<Descriptor> {
  const { from, to } = route;
  const document = `${descriptor.digest} of ${from.description}`;
  if (depth > MAX_DEPTH)
    throw new OciError("LIMIT", `cannot copy ${document}: indexes within indexes, more than ${MAX_DEPTH} deep`);
  const bytes = await fetchDocument(from, descriptor);
  if (isIndexType(descriptor.mediaType)) return copyIndex(route, descriptor, bytes, depth);
  if (!isManifestType(descriptor.mediaType))
    throw new OciError("NOT_AN_IMAGE", `cannot copy ${document}: its media type is ${descriptor.mediaType}`);
  const manifest = parseManifest(bytes, `manifest ${document}`);
  const recoded = await rewriteImage(route, descriptor, manifest);
  if (recoded !== undefined) return recoded;
  await eachBlob([manifest.config, ...manifest.layers], route.options, (blob) => copyBlob(route, blob));
  await pushBytes(to, descriptor, bytes);
  return descriptor;
}

async function copyIndex(route: Route, descriptor: Descriptor, bytes: Uint8Array, depth: number): Promise<Descriptor> {
  const index = parseImageIndex(bytes, `index ${descriptor.digest} of ${route.from.description}`);
  const manifests: Descriptor[] = [];
  for (const child of index.manifests) {
    const { mediaType, digest, sizeBytes } = await copyManifest(route, child, depth + 1);
    manifests.push({ ...child, mediaType, digest, sizeBytes });
  }
  const isSame = manifests.every(({ digest }, at) => digest === index.manifests[at]?.digest);
  if (isSame && (index.mediaType === MEDIA_TYPE.index || !wantsOci(route))) {
    await pushBytes(route.to, descriptor, bytes);
    return descriptor;
  }
  const rewritten = formatImageIndex({ ...index, mediaType: MEDIA_TYPE.index, manifests });
  const result = describeBytes(MEDIA_TYPE.index, rewritten);
  await pushBytes(route.to, result, rewritten);
  return result;
}

/** Undefined when the image can stay as it is: layers compressed as wanted, documents of the wanted kind. */
async function rewriteImage(route: Route, descriptor: Descriptor, manifest: Manifest): Promise<Descriptor | undefined> {
  const { from, to, options } = route;
  const { compression = "none" } = options;
  const mustChange = (layer: Descriptor): boolean => {
    const found = layerCompression(layer.mediaType);
    return options.compression !== undefined && found !== undefined && found !== compression;
  };
  const isImage = isConfigType(manifest.config.mediaType);
  const recode = isImage && manifest.layers.some(mustChange);
  if (!recode && !(isImage && wantsOci(route) && manifest.mediaType !== MEDIA_TYPE.manifest)) return undefined;
  if (recode && options.preserveDigests === true) {
    throw new OciError(
      "UNSUPPORTED",
      `cannot copy ${descriptor.digest} to ${to.description} with its digest: layers would be compressed otherwise (${compression})`,
      { hint: "Leave out --compress, or choose a transport that keeps layers as they are, such as oci-archive:" },
    );
  }
  const image = await openDescriptor(from, descriptor);
  const layers = new Map<string, Descriptor>();
  await using scratch = await makeTempDir("slipway-recode-", options.scratch);
  await eachBlob([manifest.config, ...manifest.layers], options, async (blob) => {
    const layer = image.layers.find((each) => each.descriptor.digest === blob.digest);
    if (layer === undefined || !mustChange(blob)) return copyBlob(route, blob);
    await inBlobStage(route, blob, async (onBytes) => {
      const recoded = await recodeLayer(from, layer, compression, { directory: scratch.path, onBytes });
      const { descriptor: result, path } = recoded;
      layers.set(blob.digest, result);
      const reused = await to.exists(result);
      // Its progress was shown while it was compressed.
      if (!reused)
        await send(
          to,
          result,
          (offset) => streamFile(path, offset),
          () => options.signal?.throwIfAborted(),
        );
      options.onBlob?.(result, reused);
      return reused ? "already there" : undefined;
    });
  });
  const bytes = formatManifest({
    ...manifest,
    mediaType: MEDIA_TYPE.manifest,
    config: { ...manifest.config, mediaType: MEDIA_TYPE.config },
    layers: manifest.layers.map((layer) => layers.get(layer.digest) ?? ociLayer(layer)),
  });
  const result = describeBytes(MEDIA_TYPE.manifest, bytes);
  await pushBytes(to, result, bytes);
  return result;
}

function wantsOci({ options }: Route): boolean {
  return options.documents === "oci" && options.preserveDigests !== true;
}

/** The OCI name of a Docker layer that stays as it is. */
function ociLayer(layer: Descriptor): Descriptor {
  const names: Readonly<Record<string, string>> = {
    [MEDIA_TYPE.dockerLayer]: MEDIA_TYPE.layer,
    [MEDIA_TYPE.dockerLayerGzip]: MEDIA_TYPE.layerGzip,
  };
  return { ...layer, mediaType: names[layer.mediaType] ?? layer.mediaType };
}

function copyBlob(route: Route, blob: Descriptor): Promise<void> {
  const { from, to, options } = route;
  return inBlobStage(route, blob, async (onBytes) => {
    let outcome: string | undefined;
    if (await to.exists(blob)) outcome = "already there";
    else if (options.mountFrom !== undefined && isRemote(to) && (await to.mount(blob, options.mountFrom)))
      outcome = "taken over within the registry";
    else await send(to, blob, (offset) => openAt(from, blob, offset), onBytes);
    options.onBlob?.(blob, outcome !== undefined);
    return outcome;
  });
}

async function send(
  to: Store,
  blob: Descriptor,
  open: (offset: number) => AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  if (!isRemote(to)) return to.push(blob, countBytes(open(0), onBytes));
  return to.uploadBlob(blob, open, { onBytes });
}

/** From the start, and verified, unless the store knows a shorter way: then only the registry verifies the whole. */
function openAt(from: ReadableStore, blob: Descriptor, offset: number): AsyncIterable<Uint8Array> {
  if (offset > 0 && from.fetchFrom !== undefined) return from.fetchFrom(blob, offset);
  return skipBytes(from.fetch(blob), offset);
}

/** Shows the work on a blob; the bytes that it counts are where a long blob notices that it is to stop. */
async function inBlobStage(
  { options }: Route,
  blob: Descriptor,
  work: (onBytes: (bytes: number) => void) => Promise<string | undefined>,
): Promise<void> {
  const { progress = NO_PROGRESS, signal } = options;
  const name = isConfigType(blob.mediaType) ? "config" : "blob";
  const stage = progress.stage(name, blob.sizeBytes, blob.digest.slice("sha256:".length, 19));
  let outcome: string | undefined = "failed";
  try {
    outcome = await work((bytes) => {
      signal?.throwIfAborted();
      stage.advance(bytes);
    });
  } finally {
    stage.done(outcome);
  }
}

/** Each blob once, several at a time. */
async function eachBlob(
  blobs: readonly Descriptor[],
  options: CopyOptions,
  work: (blob: Descriptor) => Promise<void>,
): Promise<void> {
  const queue = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const worker = async (): Promise<void> => {
    for (let blob = queue.shift(); blob !== undefined; blob = queue.shift()) {
      options.signal?.throwIfAborted();
      await work(blob);
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
