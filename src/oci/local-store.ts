// The local store: an OCI layout that holds blobs as they were received, and beside it the layer cache. Images that are
// read from elsewhere use the cache alone. Commands may write and prune at the same time.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, isDigest } from "../base/digest.ts";
import { SlipwayError } from "../base/errors.ts";
import { parseConfig } from "./config.ts";
import { LayerCache } from "./layer/cache.ts";
import { pruneLayout, type PruneResult, reachableBlobs } from "./layout/prune.ts";
import { openSession } from "./layout/sessions.ts";
import { LayoutStore } from "./layout/store.ts";
import { isConfigType } from "./media-types.ts";
import { fetchDocument } from "./store.ts";

export interface LocalStore {
  readonly directory: string;
  readonly images: LayoutStore;
  readonly cache: LayerCache;
}

/** Annotation of an image in the store's index.json: the registry name that it was pulled from. */
export const PULLED_FROM = "dev.slipway.pulled-from";

/** Makes the store where there is none. Throws IoError, OciError BAD_LAYOUT. */
export async function openLocalStore(directory: string): Promise<LocalStore> {
  const images = await LayoutStore.create(directory, openSession(directory));
  return { directory, images, cache: await LayerCache.open(join(directory, "cache")) };
}

export interface StoreSize {
  /** Of all blobs, each once. */
  readonly blobBytes: number;
  /** Disk space of the decompressed layers. */
  readonly cacheBytes: number;
}

export async function sizeOfStore(store: LocalStore): Promise<StoreSize> {
  return {
    blobBytes: await bytesBelow(join(store.directory, "blobs")),
    cacheBytes: await bytesBelow(store.cache.directory),
  };
}

async function bytesBelow(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory, { recursive: true })) {
    // Holes cost nothing; what vanished in between neither.
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found?.isFile() === true) bytes += Math.min(found.size, found.blocks * 512);
  }
  return bytes;
}

export interface StorePruneResult extends PruneResult {
  /** Cached layers of images that the store does not have. */
  readonly cachedLayers: number;
}

/** Removes what no name leads to, blobs and cached layers alike; with `dryRun` only counts. Throws OciError, IoError. */
export async function pruneStore(
  store: LocalStore,
  options: { readonly dryRun?: boolean } = {},
): Promise<StorePruneResult> {
  const blobs = await pruneLayout(store.images, options);
  const keep = await diffIdsOf(store.images);
  if (options.dryRun !== true) return { ...blobs, cachedLayers: (await store.cache.prune(keep)).length };
  const names = await readdir(store.cache.directory);
  const surplus = names.filter((name) => isDigest(`sha256:${name}`) && !keep.has(`sha256:${name}` as Digest));
  return { ...blobs, cachedLayers: surplus.length };
}

async function diffIdsOf(images: LayoutStore): Promise<ReadonlySet<Digest>> {
  const diffIds = new Set<Digest>();
  for (const descriptor of (await reachableBlobs(images)).values()) {
    if (!isConfigType(descriptor.mediaType)) continue;
    try {
      for (const diffId of parseConfig(await fetchDocument(images, descriptor), descriptor.digest).diffIds)
        diffIds.add(diffId);
    } catch (error) {
      // Missing, spoilt, or of an artifact that calls its data a config: it keeps no layer.
      if (!(error instanceof SlipwayError)) throw error;
    }
  }
  return diffIds;
}
