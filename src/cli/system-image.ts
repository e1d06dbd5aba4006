// The image that a command was given by name, opened as a system: found wherever a name may lead, its layers read
// through the cache.
import { collectEagerly } from "../base/memory.ts";
import { inStage } from "../base/progress.ts";
import type { DiskImage } from "../disk/index.ts";
import {
  formatImageName,
  type Image,
  type Layer,
  type LocalStore,
  makePlatform,
  openLayers,
  openReference,
  parseReference,
  type Reference,
  storeName,
} from "../oci/index.ts";
import { fileObjectPrefix } from "../ostree/index.ts";
import type { Context } from "./context.ts";
import { type InputLimits, readLimits } from "./limits.ts";
import { openPlaces } from "./places.ts";

export interface SystemImage extends DiskImage, AsyncDisposable {
  /** Its name in the local store or the layout. */
  readonly localName?: string;
}

/** From here on memory matters more than time; a Debian server has 20,000 files. */
const MANY_ENTRIES = 25_000;

/**
 * `options` are the command's: --arch, the limits, those of registries and of the signature policy. Throws OciError;
 * nothing of the layers is read yet.
 */
export async function openSystemImage(
  context: Context,
  name: string,
  options: Readonly<Record<string, unknown>>,
): Promise<SystemImage> {
  const limits = readLimits(options);
  await using opened = new AsyncDisposableStack();
  const places = opened.use(await openPlaces(context, options));
  const { local } = places;
  // Without --arch an index of several is a question, never this machine's answer: disks are the same everywhere.
  const { arch } = options;
  const platform = typeof arch === "string" ? { platform: makePlatform("linux", arch) } : {};
  const reference = parseReference(name);
  const image = opened.use(await openReference(name, places, platform));
  await places.assertAllowed(reference, image.located, image.index ?? image.descriptor, image.descriptor);
  // Not the layers: their entries go when the import is done.
  let sources: readonly Disposable[] = [];
  const pulledFrom = image.located.registryName;
  const localName = nameElsewhere(reference);
  const kept = opened.move();
  return {
    name,
    manifestDigest: image.manifestDigest,
    manifestBytes: image.manifestBytes,
    configBytes: image.configBytes,
    architecture: image.config.platform.architecture,
    labels: image.config.labels,
    ...(image.config.created === undefined ? {} : { created: image.config.created }),
    ...(localName === undefined ? {} : { localName }),
    ...(pulledFrom === undefined ? {} : { pulledFrom: formatImageName(pulledFrom) }),
    openLayers: async () => {
      const layers = await readLayers(context, local, image, limits);
      sources = layers.map(({ source }) => source);
      return layers.map(({ descriptor, entries }) => ({ digest: descriptor.digest, entries }));
    },
    [Symbol.asyncDispose]: async () => {
      for (const source of sources) source[Symbol.dispose]();
      await kept.disposeAsync();
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
  let entries = 0;
  return await inStage(context.progress, "read", undefined, (stage) =>
    openLayers(local.cache, image, {
      fingerprint: { name: "ostree", prefix: fileObjectPrefix },
      limits,
      signal: context.signal,
      onBytes: (bytes) => stage.advance(bytes),
      onEntries: (count) => {
        if (entries <= MANY_ENTRIES && entries + count > MANY_ENTRIES) collectEagerly();
        entries += count;
      },
    }),
  );
}
