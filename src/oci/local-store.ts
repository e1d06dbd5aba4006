// The local store: an OCI layout that holds blobs as they were received, and beside it the layer cache. Images that are
// read from elsewhere use the cache alone.
import { join } from "node:path";
import { LayerCache } from "./layer/cache.ts";
import { LayoutStore } from "./layout/store.ts";

export interface LocalStore {
  readonly directory: string;
  readonly images: LayoutStore;
  readonly cache: LayerCache;
}

/** Makes the store where there is none. Throws IoError, OciError BAD_LAYOUT. */
export async function openLocalStore(directory: string): Promise<LocalStore> {
  const images = await LayoutStore.create(directory);
  return { directory, images, cache: await LayerCache.open(join(directory, "cache")) };
}
