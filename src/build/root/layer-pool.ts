// The layers of a stage and of all stages that grow from it, opened when first needed and only once, so that equal
// contents are references to the same source. Open until the pool is disposed.
import type { Digest } from "../../base/digest.ts";
import type { ImageLayer, Layer, LayerCache, LayerPaths, OpenLayerOptions, ReadableStore } from "../../oci/index.ts";

export class LayerPool implements Disposable {
  readonly #cache: LayerCache;
  readonly #store: ReadableStore;
  readonly #options: OpenLayerOptions;
  readonly #stores = new Map<Digest, ReadableStore>();
  readonly #layers = new Map<Digest, Promise<Layer>>();
  readonly #paths = new Map<Digest, Promise<LayerPaths>>();

  /** `store` has the blobs of layers that the cache does not have. */
  constructor(cache: LayerCache, store: ReadableStore, options: OpenLayerOptions) {
    this.#cache = cache;
    this.#store = store;
    this.#options = options;
  }

  /** A layer that was made here: its blob is elsewhere. */
  add(layer: ImageLayer, store: ReadableStore): void {
    this.#stores.set(layer.diffId, store);
  }

  /** All entries: reads the whole index. */
  open(layer: ImageLayer): Promise<Layer> {
    return once(this.#layers, layer.diffId, () => this.#cache.open(this.#storeOf(layer), layer, this.#options));
  }

  /** To look up a few names. */
  paths(layer: ImageLayer): Promise<LayerPaths> {
    return once(this.#paths, layer.diffId, () => this.#cache.openPaths(this.#storeOf(layer), layer, this.#options));
  }

  #storeOf(layer: ImageLayer): ReadableStore {
    return this.#stores.get(layer.diffId) ?? this.#store;
  }

  [Symbol.dispose](): void {
    for (const opened of [...this.#layers.values(), ...this.#paths.values()]) {
      opened.then(
        (each) => each[Symbol.dispose](),
        () => undefined,
      );
    }
    this.#layers.clear();
    this.#paths.clear();
  }
}

/** A failure is not kept: the next one who asks tries again. */
function once<T>(known: Map<Digest, Promise<T>>, key: Digest, make: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
