// One image from one place to another, as copy, pull, push and manifest push do it: platform chosen, guard asked, login
// made up for, progress shown.
import { readFile } from "node:fs/promises";
import { SlipwayError, systemErrorCode } from "../base/errors.ts";
import {
  assertRedistributable,
  chooseManifest,
  type Compression,
  copyAttached,
  copyImage,
  type CopyOptions,
  copySignedIndexes,
  type Descriptor,
  type Destination,
  fetchDocument,
  formatImageName,
  indexesOf,
  isIndexType,
  locate,
  type Located,
  OciError,
  openDescriptor,
  openDestination,
  parseImageIndex,
  parsePlatform,
  parseRedistributionRules,
  PULLED_FROM,
  REDISTRIBUTION_RULES,
  type Reference,
} from "../oci/index.ts";
import type { Context } from "./context.ts";
import { hostPlatform } from "./host-platform.ts";
import { loginOnTerminal } from "./login-on-terminal.ts";
import { type CommandPlaces, configPath } from "./places.ts";

export interface ImageCopyOptions {
  readonly all?: boolean;
  readonly platform?: string;
  readonly preserveDigests?: boolean;
  readonly compress?: Compression;
  readonly allowRedistribution?: boolean;
  /** With everything that refers to the image. */
  readonly referrers?: boolean;
}

export interface ImageCopyResult {
  readonly digest: string;
  readonly mediaType: string;
  readonly copiedBlobs: number;
  readonly reusedBlobs: number;
  readonly copiedBytes: number;
}

/** Throws what the places throw, SignatureError REFUSED, OciError RESTRICTED. */
export async function copyReference(
  context: Context,
  places: CommandPlaces,
  from: Reference,
  to: Reference,
  options: ImageCopyOptions & Readonly<Record<string, unknown>>,
): Promise<ImageCopyResult> {
  await using source = await locate(from, places);
  const start = await source.store.resolve(source.name);
  const platform =
    options.platform === undefined ? { preferred: hostPlatform() } : { platform: parsePlatform(options.platform) };
  const { descriptor: chosen, indexes } =
    options.all === true ? { descriptor: start, indexes: [] } : await chooseManifest(source.store, start, platform);
  await places.assertAllowed(from, source, start, chosen);
  if (to.transport === "docker" && options.allowRedistribution !== true)
    await guard(context, source, chosen, to.image.registry);
  const counts = { copiedBlobs: 0, reusedBlobs: 0, copiedBytes: 0 };
  const attempt = async (): Promise<Descriptor> => {
    await using target = await openDestination(to, places);
    if (target.compression !== undefined && isIndexType(chosen.mediaType)) {
      throw new OciError("UNSUPPORTED", `cannot copy all platforms to ${target.store.description}: it holds one each`, {
        hint: "Choose one with --platform, or use oci-archive:",
      });
    }
    if (options.referrers === true && target.attachments !== "all") throw noReferrers(target.store.description);
    const copied = await copyImage(source.store, chosen, target.store, undefined, {
      ...copyOptions(context, source, target, options),
      onBlob: (blob, reused) => {
        counts[reused ? "reusedBlobs" : "copiedBlobs"]++;
        if (!reused) counts.copiedBytes += blob.sizeBytes;
      },
    });
    if (copied.digest === chosen.digest) {
      const annotations = await takeAlong(context, { source, image: chosen, indexes, target, to }, options);
      await target.publish(Object.keys(annotations).length === 0 ? copied : { ...copied, annotations }, start);
    } else {
      // Of other bytes they would be no signatures.
      if (options.referrers === true)
        context.progress.warn(`what refers to ${chosen.digest} stays behind: the copy has another digest`);
      await target.publish(copied, start);
    }
    return copied;
  };
  const { digest, mediaType } = await withLogin(context, places, to, options, attempt);
  return { digest, mediaType, ...counts };
}

function noReferrers(target: string): OciError {
  return new OciError("UNSUPPORTED", `cannot copy what refers to the image to ${target}: it has no place for that`, {
    hint: "Leave out --referrers, or copy to a registry or to oci:DIR",
  });
}

interface CopiedImage {
  readonly source: Located;
  readonly image: Descriptor;
  /** That it was chosen from just now. */
  readonly indexes: readonly Descriptor[];
  readonly target: Destination;
  readonly to: Reference;
}

/** What belongs to an image comes to where the image is now; returns what is to be noted beside it there. */
async function takeAlong(
  { progress, signal }: Context,
  { source: { store, registryName }, image, indexes, target, to }: CopiedImage,
  { referrers = false }: ImageCopyOptions,
): Promise<Readonly<Record<string, string>>> {
  const { attachments: signatures, keepsAnnotations = false } = target;
  if (signatures !== undefined)
    await copyAttached(store, image, target.store, { referrers, signatures, progress, signal });
  const chosenFrom = indexes.length === 0 ? await indexesOf(store, image) : indexes;
  return {
    ...(to.transport === "store" && registryName !== undefined ? { [PULLED_FROM]: formatImageName(registryName) } : {}),
    ...(keepsAnnotations ? await copySignedIndexes(store, chosenFrom, target.store) : {}),
  };
}

/** What the transport can hold wins over what was left open. */
export function copyOptions(
  context: Context,
  source: Pick<Located, "registryName">,
  target: Destination,
  options: ImageCopyOptions,
): CopyOptions {
  const compression = target.compression ?? options.compress;
  if (options.compress !== undefined && options.compress !== compression) {
    throw new OciError(
      "UNSUPPORTED",
      `cannot use --compress ${options.compress}: ${target.store.description} holds plain layers`,
      {
        hint: "Use oci-archive: for compressed layers",
      },
    );
  }
  const isNeighbour =
    target.registryName !== undefined && source.registryName?.registry === target.registryName.registry;
  return {
    progress: context.progress,
    signal: context.signal,
    preserveDigests: options.preserveDigests === true,
    ...(compression === undefined ? {} : { compression }),
    ...(target.documents === undefined ? {} : { documents: target.documents }),
    ...(target.concurrency === undefined ? {} : { concurrency: target.concurrency }),
    ...(isNeighbour && source.registryName !== undefined ? { mountFrom: source.registryName.repository } : {}),
  };
}

/** On a terminal a registry that refuses to be written to is asked again with a login. Nothing was read until then. */
export async function withLogin<T>(
  context: Context,
  places: CommandPlaces,
  to: Reference,
  options: Readonly<Record<string, unknown>>,
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const isRefused = error instanceof SlipwayError && error.name === "RegistryError" && error.code === "UNAUTHORIZED";
    if (!isRefused || to.transport !== "docker") throw error;
    if (!(await loginOnTerminal(context, to.image.registry, options))) throw error;
    places.reconnect();
    return await attempt();
  }
}

/** Looks at every image that would become public. Throws OciError RESTRICTED. */
export async function guard(context: Context, source: Located, start: Descriptor, registry: string): Promise<void> {
  const rules = [...REDISTRIBUTION_RULES, ...(await ownRules(context))];
  for (const descriptor of await imagesOf(source, start)) {
    const image = await openDescriptor(source.store, descriptor).catch((error: unknown) => {
      // An artifact has no base.
      if (error instanceof SlipwayError && error.code === "NOT_AN_IMAGE") return undefined;
      throw error;
    });
    if (image === undefined) continue;
    const layers = image.layers.flatMap((layer) => [layer.diffId, layer.descriptor.digest]);
    assertRedistributable({ labels: image.config.labels, layers }, registry, rules);
  }
}

async function imagesOf(source: Located, start: Descriptor): Promise<readonly Descriptor[]> {
  if (!isIndexType(start.mediaType)) return [start];
  const bytes = await fetchDocument(source.store, start);
  const { manifests } = parseImageIndex(bytes, `index ${start.digest} of ${source.store.description}`);
  return manifests.filter(({ mediaType, platform }) => !isIndexType(mediaType) && platform?.os !== "unknown");
}

async function ownRules(context: Context): Promise<ReturnType<typeof parseRedistributionRules>> {
  const path = configPath(context.env, "redistribution.json");
  try {
    return parseRedistributionRules(await readFile(path, "utf8"), path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
