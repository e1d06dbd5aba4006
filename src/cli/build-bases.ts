// Where `slipway build` finds its base images: what the local store has, else what is pulled into it; asked of the policy
// either way, before anything of it is used.
import type { BaseImage } from "../build/index.ts";
import { SlipwayError } from "../base/errors.ts";
import {
  chooseManifest,
  copyImage,
  expandName,
  formatImageName,
  formatPlatform,
  locate,
  type Located,
  OciError,
  openDescriptor,
  openImage,
  parseReference,
  type Platform,
  type QualifiedName,
  type Reference,
  withDefaults,
} from "../oci/index.ts";
import type { Context } from "./context.ts";
import { copyReference } from "./image-copy.ts";
import type { CommandPlaces } from "./places.ts";

export type PullPolicy = "always" | "missing" | "newer" | "never";

export interface BaseOptions {
  readonly pull: PullPolicy;
  /** Names of the local store stand for one image: with several platforms none is given to what is pulled. */
  readonly isMultiPlatform: boolean;
}

/** Each image of each platform is looked for once. */
export function basesOf(
  context: Context,
  places: CommandPlaces,
  options: BaseOptions,
): (reference: string, platform: Platform) => Promise<BaseImage> {
  const opened = new Map<string, Promise<BaseImage>>();
  return (text, platform) => {
    const key = `${text} ${formatPlatform(platform)}`;
    const base = opened.get(key) ?? openBase({ context, places, options, platform }, text);
    opened.set(key, base);
    return base;
  };
}

interface Search {
  readonly context: Context;
  readonly places: CommandPlaces;
  readonly options: BaseOptions;
  readonly platform: Platform;
}

async function openBase(search: Search, text: string): Promise<BaseImage> {
  const reference = parseReference(text);
  if (reference.transport !== "store" && reference.transport !== "docker") return bring(search, reference, undefined);
  const image = withDefaults(reference.image);
  const { pull } = search.options;
  const stored = await openStored(search, { transport: "store", image });
  const here = stored instanceof OciError ? undefined : stored;
  if (here !== undefined && (pull === "missing" || pull === "never")) return here;
  // A short name that the store knows is its own.
  const isOwn = image.registry === "localhost" || (image.registry === undefined && stored !== undefined);
  if (pull === "never" || isOwn) {
    if (here !== undefined) return here;
    throw stored instanceof OciError ? stored : notFound(search, formatImageName(image));
  }
  const remote = await expandName(image, search.places);
  try {
    return await bring(search, { transport: "docker", image: remote }, remote);
  } catch (error) {
    const isAway = error instanceof SlipwayError && ["UNREACHABLE", "TIMEOUT", "RATE_LIMITED"].includes(error.code);
    if (here === undefined || pull !== "newer" || !isAway) throw error;
    search.context.progress.warn(`${error.message}; the image that is here is used`);
    return here;
  }
}

/** From the local store; undefined when it has no such image, an error when it has one for other platforms only. */
async function openStored(
  { places, platform }: Search,
  reference: Reference,
): Promise<BaseImage | OciError | undefined> {
  let located: Located;
  try {
    located = await locate(reference, { images: places.images });
  } catch (error) {
    if (error instanceof OciError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
  if (!located.isLocal) return undefined;
  const start = await located.store.resolve(located.name);
  try {
    const { descriptor } = await chooseManifest(located.store, start, { platform });
    const image = await openDescriptor(located.store, descriptor, { platform });
    await places.assertAllowed(reference, located, start, descriptor);
    // They are going to be counted on.
    for (const blob of [image.manifest.config, ...image.manifest.layers])
      if (!(await located.store.exists(blob))) return undefined;
    return { image, name: located.name };
  } catch (error) {
    if (error instanceof OciError && error.code === "NOT_FOUND") return undefined;
    if (error instanceof OciError && error.code === "NO_PLATFORM") return error;
    throw error;
  }
}

/** Copies the image of the platform into the local store; one from a registry as `pull` does, with name and signatures. */
async function bring(search: Search, reference: Reference, remote: QualifiedName | undefined): Promise<BaseImage> {
  const { context, places, options, platform } = search;
  if (remote !== undefined && !options.isMultiPlatform) {
    const named = { platform: formatPlatform(platform) };
    const { digest } = await copyReference(context, places, reference, { transport: "store", image: remote }, named);
    return { image: await openImage(places.images, digest, { platform }), name: formatImageName(remote) };
  }
  await using source = await locate(reference, places);
  const start = await source.store.resolve(source.name);
  const { descriptor } = await chooseManifest(source.store, start, { platform });
  await places.assertAllowed(reference, source, start, descriptor);
  const { progress, signal } = context;
  const copied = await copyImage(source.store, descriptor, places.images, undefined, { progress, signal });
  const image = await openDescriptor(places.images, copied, { platform });
  return { image, name: remote === undefined ? undefined : formatImageName(remote) };
}

function notFound({ places, options, platform }: Search, name: string): OciError {
  return new OciError(
    "NOT_FOUND",
    `cannot find base image ${name} for ${formatPlatform(platform)} in the local store (${places.images.description})`,
    {
      hint:
        options.pull === "never"
          ? "Pull it first, or leave out --pull never"
          : "Build or pull it first, or name a transport, as in docker://HOST/NAME or oci:DIR:TAG",
      data: { name },
    },
  );
}
