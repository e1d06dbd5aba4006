// The image that a command was given by name, opened as a system: found in a layout, an archive or the local store, its
// layers read through the cache.
import { inStage } from "../base/progress.ts";
import type { DiskImage } from "../disk/index.ts";
import {
  type Image,
  type Layer,
  type LocalStore,
  makePlatform,
  openLocalStore,
  openReference,
  parseReference,
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
  const local = await openLocalStore(context.storePath);
  const platform = options.arch === undefined ? {} : { platform: makePlatform("linux", options.arch) };
  const image = await openReference(name, local.images, platform);
  const layers: Layer[] = [];
  const localName = nameElsewhere(parseReference(name));
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

/** A name that means something beyond this machine: in layouts it is often a bare tag, which does not. */
function nameElsewhere(reference: Reference): string | undefined {
  if (reference.transport === "store") return storeName(reference.image);
  return "name" in reference && reference.name?.includes("/") === true ? reference.name : undefined;
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
    return opened.map(({ descriptor, entries }) => ({ digest: descriptor.digest, entries }));
  });
}
