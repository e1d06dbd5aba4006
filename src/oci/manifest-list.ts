// A list in the making: an index in the local store whose members may be elsewhere. Where one was found is an annotation
// of the list's line in index.json, never in the index itself, whose bytes are what gets pushed.
import { describeBytes, type Descriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { openDescriptor } from "./image.ts";
import { EMPTY_INDEX, formatImageIndex, type ImageIndex, parseImageIndex } from "./image-index.ts";
import { parseManifest } from "./manifest.ts";
import { isConfigType, isIndexType, isManifestType } from "./media-types.ts";
import type { Located } from "./open-reference.ts";
import { fetchDocument, pushBytes, type ReadableStore, type Store } from "./store.ts";

const MEMBER = "dev.slipway.member.";

export interface ManifestList {
  readonly index: ImageIndex;
  /** References by digest, for members whose content is not in the local store. */
  readonly origins: Readonly<Record<string, string>>;
}

export const EMPTY_LIST: ManifestList = { index: EMPTY_INDEX, origins: {} };

/** Throws OciError NOT_FOUND; NOT_AN_IMAGE when the name stands for a single image. */
export async function readList(images: ReadableStore, name: string): Promise<ManifestList> {
  const descriptor = await images.resolve(name);
  if (!isIndexType(descriptor.mediaType)) {
    throw new OciError("NOT_AN_IMAGE", `cannot use ${name} as a list: it is a single image (${descriptor.mediaType})`, {
      hint: "Choose another name for the list, as in: slipway manifest create NAME IMAGE…",
    });
  }
  const index = parseImageIndex(await fetchDocument(images, descriptor), `list ${name}`);
  const origins = Object.entries(descriptor.annotations ?? {}).flatMap(([key, value]) =>
    key.startsWith(MEMBER) ? [[key.slice(MEMBER.length), value]] : [],
  );
  return { index, origins: Object.fromEntries(origins) as Record<string, string> };
}

/** Lets `name` stand for the list from now on. */
export async function writeList(images: Store, name: string, { index, origins }: ManifestList): Promise<Descriptor> {
  const bytes = formatImageIndex(index);
  const descriptor = describeBytes(index.mediaType, bytes);
  await pushBytes(images, descriptor, bytes);
  const known = Object.entries(origins).filter(([digest]) => index.manifests.some((each) => each.digest === digest));
  const annotations = Object.fromEntries(known.map(([digest, reference]) => [`${MEMBER}${digest}`, reference]));
  await images.tag({ ...descriptor, annotations }, name);
  return descriptor;
}

/**
 * The entries that an image is in a list: one, or for an index all of its own. Their documents come into `images`; their
 * layers stay where they are. Throws what `openDescriptor` throws when a member is not there.
 */
export async function describeMembers(located: Located, images: Store): Promise<readonly Descriptor[]> {
  const { store } = located;
  const start = await store.resolve(located.name);
  const found = isIndexType(start.mediaType)
    ? parseImageIndex(await fetchDocument(store, start), start.digest).manifests
    : [start];
  const members: Descriptor[] = [];
  for (const entry of found) {
    if (!isManifestType(entry.mediaType)) continue;
    const { mediaType, digest, sizeBytes } = entry;
    const bytes = await fetchDocument(store, entry);
    if (store !== images) await pushBytes(images, entry, bytes);
    const { config } = parseManifest(bytes, `manifest ${digest} of ${store.description}`);
    // Attestations and other artifacts keep the place that their index gives them.
    if (!isConfigType(config.mediaType) || entry.platform?.os === "unknown") {
      members.push(entry);
      continue;
    }
    const image = await openDescriptor(store, entry);
    if (store !== images) await pushBytes(images, config, image.configBytes);
    members.push({ mediaType, digest, sizeBytes, platform: entry.platform ?? image.config.platform });
  }
  return members;
}

/** With these members; an entry of the same digest is replaced where it stands. */
export function addMembers(
  list: ManifestList,
  members: readonly Descriptor[],
  origin: string | undefined,
): ManifestList {
  const manifests = [...list.index.manifests];
  const origins = { ...list.origins };
  for (const member of members) {
    const at = manifests.findIndex(({ digest }) => digest === member.digest);
    if (at < 0) manifests.push(member);
    else manifests[at] = member;
    if (origin !== undefined) origins[member.digest] = origin;
  }
  return { index: { ...list.index, manifests }, origins };
}
