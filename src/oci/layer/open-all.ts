// All layers of an image, a few at a time: while one waits for its decompressor another one is hashed.
import type { Image } from "../image.ts";
import type { Layer, LayerCache, OpenLayerOptions } from "./cache.ts";

const CONCURRENCY = 2;

/** In the image's order, base first. When one fails the others are closed. Throws what `LayerCache.open` throws. */
export async function openLayers(
  cache: LayerCache,
  image: Image,
  options: OpenLayerOptions = {},
): Promise<readonly Layer[]> {
  const layers: Layer[] = [];
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (!failed) {
      const index = next++;
      const layer = image.layers[index];
      if (layer === undefined) return;
      try {
        layers[index] = await cache.open(image.store, layer, options);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: CONCURRENCY }, worker);
  try {
    await Promise.all(workers);
    return layers;
  } catch (error) {
    await Promise.allSettled(workers);
    // The list has gaps where layers were not opened.
    layers.forEach((layer) => layer[Symbol.dispose]());
    throw error;
  }
}
