// The file system of a stage: layers, base first. Immutable: a step that adds a layer makes a new Root. Nothing is
// unpacked: what a path means is read from the layers' indexes in the cache, a few pages of them when one path is asked
// for, all when the whole tree is. Roots that grew from one another share what they have opened.
import type { ByteString } from "../../base/bytes/index.ts";
import { contentBytes } from "../../base/io/index.ts";
import { gzipParallel } from "../../formats/gzip/index.ts";
import {
  type ImageLayer,
  type LayerCache,
  type LayoutStore,
  MEDIA_TYPE,
  type OpenLayerOptions,
  type ReadableStore,
} from "../../oci/index.ts";
import {
  applyLayer,
  copyDirectories,
  type DirectoryInode,
  entriesToTar,
  entryOf,
  type Inode,
  type LayerEntry,
  lookup,
  mergeLayers,
} from "../../tree/index.ts";
import { type Resolved, resolvePath } from "../resolve-path.ts";
import { findInode } from "./find-inode.ts";
import { LayerPool } from "./layer-pool.ts";
import { normaliseEntries, parentsOf } from "./normalise.ts";

export interface BuiltLayer {
  readonly image: ImageLayer;
  /** Normalised, as in the tar; contents are in the layer cache. */
  readonly entries: readonly LayerEntry[];
}

export interface Places {
  readonly images: LayoutStore;
  readonly cache: LayerCache;
}

export interface AddOptions {
  /** Later times become this one (SOURCE_DATE_EPOCH). */
  readonly epochSeconds?: number;
  readonly signal: AbortSignal;
}

/** Half a percent larger than level 6, in seven tenths of its time; level 1 would be a tenth larger for four tenths. */
const GZIP_LEVEL = 5;

export class Root implements Disposable {
  readonly layers: readonly ImageLayer[];
  readonly #places: Places;
  readonly #pool: LayerPool;
  readonly #inodes = new Map<ByteString, Promise<Inode | undefined>>();
  /** The root that this one has one layer more than. */
  #below: { readonly root: Root; readonly entries: readonly LayerEntry[] } | undefined;
  #tree: Promise<DirectoryInode> | undefined;

  private constructor(places: Places, layers: readonly ImageLayer[], pool: LayerPool) {
    this.#places = places;
    this.layers = layers;
    this.#pool = pool;
  }

  /** `store`: where the blobs of `layers` are. `options` are for layers that the cache does not have yet. */
  static of(places: Places, layers: readonly ImageLayer[], store: ReadableStore, options: OpenLayerOptions = {}): Root {
    return new Root(places, layers, new LayerPool(places.cache, store, options));
  }

  /** Symbolic links followed inside the root. A directory comes without its entries (`tree` has them). */
  async lookup(path: ByteString): Promise<Inode | undefined> {
    return (await this.#resolve(path, true)).node;
  }

  /** The last name is not followed. A directory comes without its entries. */
  async lstat(path: ByteString): Promise<Inode | undefined> {
    return (await this.#resolve(path, false)).node;
  }

  /** Parents and last name resolved; the missing tail kept as written. No leading "/"; "" is the root. */
  async realPath(path: ByteString): Promise<ByteString> {
    return (await this.#resolve(path, true)).path;
  }

  /** Undefined when there is no such file. Throws IoError LIMIT. */
  async readFile(path: ByteString, maxBytes: number): Promise<Uint8Array | undefined> {
    const inode = await this.lookup(path);
    return inode?.type === "file" ? contentBytes(inode.content, maxBytes, `/${path}`) : undefined;
  }

  /** All of it, made once; not to be changed by the caller. */
  tree(): Promise<DirectoryInode> {
    if (this.#tree === undefined) {
      this.#tree = this.#merge();
      this.#tree.catch(() => (this.#tree = undefined));
    }
    return this.#tree;
  }

  /** Writes a layer into store and cache in one pass. No entries: no layer, the same root. */
  async add(entries: Iterable<LayerEntry>, options: AddOptions): Promise<{ root: Root; layer?: BuiltLayer }> {
    const changed = normaliseEntries(entries, options.epochSeconds);
    if (changed.length === 0) return { root: this };
    const parents = await this.#parentsOf(changed, options.epochSeconds);
    const normal = normaliseEntries([...parents, ...changed], undefined);
    const { images, cache } = this.#places;
    const image = await cache.adopt(
      entriesToTar(normal),
      (tar) => images.write(MEDIA_TYPE.layerGzip, gzipParallel(tar, { level: GZIP_LEVEL })),
      { signal: options.signal },
    );
    this.#pool.add(image, images);
    const layer = { image, entries: (await this.#pool.open(image)).entries };
    const root = new Root(this.#places, [...this.layers, image], this.#pool);
    root.#below = { root: this, entries: layer.entries };
    return { root, layer };
  }

  /**
   * Directories above the entries as they are, as in the layers of podman: whoever unpacks this layer alone finds them
   * right. Those later than the epoch are left out: the step did not change them.
   */
  async #parentsOf(entries: readonly LayerEntry[], epochSeconds: number | undefined): Promise<LayerEntry[]> {
    const paths = new Set(entries.flatMap(({ path }) => parentsOf(path)));
    const parents: LayerEntry[] = [];
    for (const path of paths) {
      const inode = path === "" ? undefined : await this.#inode(path);
      if (inode?.type === "directory" && inode.mtimeSeconds <= (epochSeconds ?? Infinity))
        parents.push(entryOf(path, inode));
    }
    return parents;
  }

  #resolve(path: ByteString, followLast: boolean): Promise<Resolved<Inode>> {
    return resolvePath((each) => this.#inode(each), path, followLast);
  }

  #inode(path: ByteString): Promise<Inode | undefined> {
    let found = this.#inodes.get(path);
    if (found === undefined) {
      found = this.#find(path);
      this.#inodes.set(path, found);
      found.catch(() => this.#inodes.delete(path));
    }
    return found;
  }

  async #find(path: ByteString): Promise<Inode | undefined> {
    if (this.#tree !== undefined) return lookup(await this.#tree, path);
    const layers = await Promise.all(this.layers.map((layer) => this.#pool.paths(layer)));
    return layers.every(({ isPlain }) => isPlain) ? findInode(layers, path) : lookup(await this.tree(), path);
  }

  async #merge(): Promise<DirectoryInode> {
    const below = this.#below;
    if (below !== undefined && below.root.#tree !== undefined)
      return applyLayer(copyDirectories(await below.root.#tree), below.entries);
    const layers = [];
    for (const layer of this.layers) layers.push((await this.#pool.open(layer)).entries);
    return mergeLayers(layers);
  }

  /** Closes the files of this root and of all that grew from it or that it grew from. */
  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
  }
}
