// What steps of a key made, and when an image was first built: one small JSON file a key, below `build/cache` of the store.
// A record holds no content. One whose blob has been pruned, or that cannot be read, counts as missing.
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDigest } from "../../base/digest.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { AtomicFile, sweepPartials, writeError } from "../../base/io/index.ts";
import type { ImageLayer, LayoutStore } from "../../oci/index.ts";
import { isRecord, type JsonObject } from "../json.ts";

/** A step that changed nothing made no layer. */
export interface CachedStep {
  readonly layer: ImageLayer | undefined;
}

export class StepCache {
  readonly #directory: string;
  readonly #images: LayoutStore;

  private constructor(directory: string, images: LayoutStore) {
    this.#directory = directory;
    this.#images = images;
  }

  /** Throws IoError. */
  static async open(store: string, images: LayoutStore): Promise<StepCache> {
    const directory = join(store, "build", "cache");
    try {
      await mkdir(directory, { recursive: true });
    } catch (error) {
      throw writeError(directory, error);
    }
    await sweepPartials(directory);
    return new StepCache(directory, images);
  }

  /** From here on the layer's blob counts as used: a prune beside us keeps it. */
  async step(key: string): Promise<CachedStep | undefined> {
    const record = await this.#read(key);
    if (record === undefined) return undefined;
    if (record["layer"] === null) return { layer: undefined };
    const layer = readLayer(record["layer"]);
    if (layer !== undefined && (await this.#images.exists(layer.descriptor))) return { layer };
    await rm(this.#path(key), { force: true });
    return undefined;
  }

  async keepStep(key: string, layer: ImageLayer | undefined): Promise<void> {
    const { mediaType, digest, sizeBytes } = layer?.descriptor ?? {};
    await this.#write(key, {
      layer: layer === undefined ? null : { mediaType, digest, sizeBytes, diffId: layer.diffId },
    });
  }

  /** RFC 3339: when an image of this key was made first. */
  async created(key: string): Promise<string | undefined> {
    const created = (await this.#read(key))?.["created"];
    return typeof created === "string" ? created : undefined;
  }

  async keepCreated(key: string, created: string): Promise<void> {
    await this.#write(key, { created });
  }

  #path(key: string): string {
    return join(this.#directory, `${key}.json`);
  }

  async #read(key: string): Promise<JsonObject | undefined> {
    try {
      const value: unknown = JSON.parse(await readFile(this.#path(key), "utf8"));
      return isRecord(value) ? value : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Not synced: what is torn is made again. */
  async #write(key: string, record: JsonObject): Promise<void> {
    await using file = await AtomicFile.create(this.#path(key));
    await file.write(0, Buffer.from(`${JSON.stringify(record)}\n`));
    await file.commit({ sync: false });
  }
}

function readLayer(value: unknown): ImageLayer | undefined {
  if (!isRecord(value)) return undefined;
  const { mediaType, digest, sizeBytes, diffId } = value;
  if (typeof mediaType !== "string" || typeof sizeBytes !== "number") return undefined;
  if (typeof digest !== "string" || !isDigest(digest)) return undefined;
  if (typeof diffId !== "string" || !isDigest(diffId)) return undefined;
  return { descriptor: { mediaType, digest, sizeBytes }, diffId };
}
