// The image that a command was given by name, opened as a system: found in a layout, an archive or the local store, its
// layers read through the cache.
import { inStage } from "../base/progress.ts";
import type { DiskImage } from "../disk/index.ts";
import {
  type Image,
  type Layer,
  LayoutStore,
  type LocalStore,
  makePlatform,
  OciError,
  openImage,
  openLocalStore,
  parseReference,
  type ReadableStore,
  type Reference,
  storeName,
} from "../oci/index.ts";
import { fileObjectPrefix, type LayerInput } from "../ostree/index.ts";
import type { Context } from "./context.ts";
import type { InputLimits } from "./limits.ts";

export interface SystemImage extends DiskImage, AsyncDisposable {
  /** Its name in the local store or the layout. */
  readonly localName?: string;
}

export interface SystemImageOptions {
  /** OCI or kernel name of the architecture wanted. */
  readonly arch: string | undefined;
  readonly limits: InputLimits;
}

const OSTREE_FINGERPRINT = { name: "ostree", prefix: fileObjectPrefix } as const;

/** Throws OciError; nothing of the layers is read yet. */
export async function openSystemImage(
  context: Context,
  name: string,
  options: SystemImageOptions,
): Promise<SystemImage> {
  const reference = parseReference(name);
  const local = await openLocalStore(context.storePath);
  const { store, nameInStore } = await storeOf(reference, local, name);
  const image = await openImage(
    store,
    nameInStore,
    options.arch === undefined ? {} : { platform: makePlatform("linux", options.arch) },
  );
  const layers: Layer[] = [];
  const localName = reference.transport === "store" ? storeName(reference.image) : fullName(nameInStore);
  return {
    name,
    manifestDigest: image.manifestDigest,
    manifestBytes: image.manifestBytes,
    configBytes: image.configBytes,
    architecture: image.config.platform.architecture,
    labels: image.config.labels,
    ...(image.config.created === undefined ? {} : { created: image.config.created }),
    ...(localName === undefined ? {} : { localName }),
    openLayers: () => openLayers(context, local, image, options.limits, layers),
    [Symbol.asyncDispose]: () => {
      for (const layer of layers) layer[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** In layouts a name is often a bare tag, which names nothing elsewhere. */
function fullName(name: string | undefined): string | undefined {
  return name?.includes("/") === true ? name : undefined;
}

async function storeOf(
  reference: Reference,
  local: LocalStore,
  name: string,
): Promise<{ readonly store: ReadableStore; readonly nameInStore: string | undefined }> {
  switch (reference.transport) {
    case "store":
      return { store: local.images, nameInStore: storeName(reference.image) };
    case "oci":
      return { store: await LayoutStore.open(reference.path), nameInStore: reference.name };
    default:
      throw new OciError(
        "UNSUPPORTED",
        `cannot read ${name}: this command reads oci: layouts, oci-archive: files and the local store`,
        {
          hint: `Copy the image first, for example with: skopeo copy ${name} oci:DIRECTORY:TAG`,
        },
      );
  }
}

async function openLayers(
  context: Context,
  local: LocalStore,
  image: Image,
  limits: InputLimits,
  opened: Layer[],
): Promise<LayerInput[]> {
  return await inStage(context.progress, "read", undefined, async (stage) => {
    for (const layer of image.layers) {
      opened.push(
        await local.cache.open(image.store, layer, {
          fingerprint: OSTREE_FINGERPRINT,
          limits,
          signal: context.signal,
          onBytes: (bytes) => stage.advance(bytes),
        }),
      );
    }
    return opened.map(({ descriptor, diffId, entries }) => ({
      digest: descriptor.digest,
      diffId,
      entries: entries.map((entry) => ({ ...entry, linkTarget: entry.target })),
    }));
  });
}
