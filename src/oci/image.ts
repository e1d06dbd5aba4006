// An image: manifest, config and layers, read through a store. Nothing of the layers is read here.
import type { Digest } from "../base/digest.ts";
import { type ImageConfig, parseConfig } from "./config.ts";
import type { Descriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { choosePlatform, parseImageIndex } from "./image-index.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { isConfigType, isIndexType, isManifestType, layerCompression } from "./media-types.ts";
import { formatPlatform, matchesPlatform, type Platform } from "./platform.ts";
import { fetchDocument, type ReadableStore } from "./store.ts";

export interface ImageLayer {
  readonly descriptor: Descriptor;
  /** Digest of the decompressed tar. */
  readonly diffId: Digest;
}

export interface Image {
  readonly store: ReadableStore;
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** As stored: the digest is over exactly these bytes. */
  readonly manifestBytes: Uint8Array;
  readonly manifestDigest: Digest;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
  /** Base first. */
  readonly layers: readonly ImageLayer[];
  /** The index the image was chosen from, when there was one. */
  readonly index?: Descriptor;
}

export interface OpenImageOptions {
  /** Which image of an index; also checked against the config of a single image. */
  readonly platform?: Platform;
  /** Which image of an index that has several, when no platform is asked for. */
  readonly preferred?: Platform;
}

/** Indexes within indexes: nobody needs more. */
export const MAX_INDEX_DEPTH = 3;

/** `name` as the store understands it. Throws OciError, DigestError. */
export async function openImage(store: ReadableStore, name?: string, options: OpenImageOptions = {}): Promise<Image> {
  return openDescriptor(store, await store.resolve(name), options);
}

/** The image that a descriptor names, or, for an index, its image for the platform. */
export async function openDescriptor(
  store: ReadableStore,
  start: Descriptor,
  options: OpenImageOptions = {},
): Promise<Image> {
  const { descriptor, indexes } = await chooseManifest(store, start, options);
  const [index] = indexes;
  if (!isManifestType(descriptor.mediaType)) {
    throw new OciError(
      "NOT_AN_IMAGE",
      `cannot open ${descriptor.digest} of ${store.description}: its media type is ${descriptor.mediaType}`,
    );
  }
  const image = await readImage(store, descriptor);
  assertPlatform(image, options.platform);
  return index === undefined ? image : { ...image, index };
}

/** From an index down to the manifest for the platform, and the indexes on the way; anything else is itself. */
export async function chooseManifest(
  store: ReadableStore,
  start: Descriptor,
  options: OpenImageOptions = {},
): Promise<{ readonly descriptor: Descriptor; readonly indexes: readonly Descriptor[] }> {
  let descriptor = start;
  const indexes: Descriptor[] = [];
  for (let depth = 0; isIndexType(descriptor.mediaType); depth++) {
    const document = `index ${descriptor.digest} of ${store.description}`;
    if (depth === MAX_INDEX_DEPTH)
      throw new OciError("LIMIT", `cannot read ${document}: indexes within indexes, more than ${MAX_INDEX_DEPTH} deep`);
    const parsed = parseImageIndex(await fetchDocument(store, descriptor), document);
    indexes.push(descriptor);
    descriptor = chooseImage(parsed.manifests, options.platform, () =>
      choosePlatform(parsed, requirePlatform(options, document), document),
    );
  }
  return { descriptor, indexes };
}

/** Without a wanted platform, an index of one image is no question. */
function chooseImage(
  manifests: readonly Descriptor[],
  platform: Platform | undefined,
  choose: () => Descriptor,
): Descriptor {
  const images = manifests.filter((manifest) => manifest.platform?.os !== "unknown");
  const only = images.length === 1 ? images[0] : undefined;
  return platform === undefined && only !== undefined ? only : choose();
}

function requirePlatform(options: OpenImageOptions, document: string): Platform {
  const platform = options.platform ?? options.preferred;
  if (platform !== undefined) return platform;
  throw new OciError(
    "NO_PLATFORM",
    `cannot choose an image from ${document}: it has several, and no platform was given`,
    {
      hint: "Name one, as in --arch arm64",
    },
  );
}

async function readImage(store: ReadableStore, descriptor: Descriptor): Promise<Image> {
  const document = `manifest ${descriptor.digest} of ${store.description}`;
  const manifestBytes = await fetchDocument(store, descriptor);
  const manifest = parseManifest(manifestBytes, document);
  if (!isConfigType(manifest.config.mediaType)) {
    throw new OciError(
      "NOT_AN_IMAGE",
      `cannot use ${document} as an image: its config has the media type ${manifest.config.mediaType}`,
    );
  }
  const configBytes = await fetchDocument(store, manifest.config);
  const config = parseConfig(configBytes, `config ${manifest.config.digest} of ${store.description}`);
  return {
    store,
    descriptor,
    manifest,
    manifestBytes,
    manifestDigest: descriptor.digest,
    config,
    configBytes,
    layers: pairLayers(manifest, config, document),
  };
}

function pairLayers(manifest: Manifest, config: ImageConfig, document: string): ImageLayer[] {
  if (manifest.layers.length !== config.diffIds.length) {
    throw new OciError(
      "BAD_MANIFEST",
      `cannot read ${document}: it has ${manifest.layers.length} layers, its config names ${config.diffIds.length} diffIds`,
    );
  }
  return manifest.layers.map((descriptor, index) => {
    if (layerCompression(descriptor.mediaType) === undefined) {
      throw new OciError(
        "UNSUPPORTED",
        `cannot read ${document}: layer ${index + 1} has the media type ${descriptor.mediaType}`,
        {
          hint: "Use an image whose layers are tar archives: plain, gzip or zstd",
        },
      );
    }
    return { descriptor, diffId: config.diffIds[index] as Digest };
  });
}

function assertPlatform(image: Image, wanted: Platform | undefined): void {
  const offered = image.config.platform;
  // Configs often leave the variant out.
  if (wanted === undefined || matchesPlatform({ os: wanted.os, architecture: wanted.architecture }, offered)) return;
  throw new OciError(
    "NO_PLATFORM",
    `cannot use image ${image.manifestDigest} of ${image.store.description} for ${formatPlatform(wanted)}: it is for ${formatPlatform(offered)}`,
    { data: { wanted: formatPlatform(wanted), found: formatPlatform(offered) } },
  );
}
