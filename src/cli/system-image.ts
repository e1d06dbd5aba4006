// The image that a command was given by name, opened as a system: found in a layout, an archive or the local store, its
// layers read through the cache.
import { collectEagerly } from "../base/memory.ts";
import { inStage } from "../base/progress.ts";
import type { DiskImage } from "../disk/index.ts";
import {
  type Image,
  type Layer,
  type LocalStore,
  makePlatform,
  openLayers,
  openLocalStore,
  openReference,
  parseReference,
  type Reference,
  storeName,
} from "../oci/index.ts";
import { fileObjectPrefix } from "../ostree/index.ts";
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

/** A Debian server has 20,000, a desktop 200,000. */
const MANY_ENTRIES = 60_000;

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
  let layers: readonly Layer[] = [];
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
    openLayers: async () => {
      layers = await readLayers(context, local, image, options.limits);
      return layers.map(({ descriptor, entries }) => ({ digest: descriptor.digest, entries }));
    },
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

async function readLayers(
  context: Context,
  local: LocalStore,
  image: Image,
  limits: InputLimits,
): Promise<readonly Layer[]> {
  const layers = await inStage(context.progress, "read", undefined, (stage) =>
    openLayers(local.cache, image, {
      fingerprint: OSTREE_FINGERPRINT,
      limits,
      signal: context.signal,
      onBytes: (bytes) => stage.advance(bytes),
    }),
  );
  if (layers.reduce((sum, { entries }) => sum + entries.length, 0) > MANY_ENTRIES) collectEagerly();
  return layers;
}
