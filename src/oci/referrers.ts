// Manifests that refer to an image (image-spec manifest.md "subject"). Registries list them; elsewhere they are found by
// the referrers tag schema of the distribution spec ("sha256-<hex>" names an index of them), and, as other tools leave
// them in layouts, among the nameless entries of index.json.
import { type Digest, digestHex } from "../base/digest.ts";
import { SlipwayError } from "../base/errors.ts";
import { describeBytes, type Descriptor } from "./descriptor.ts";
import { EMPTY_INDEX, formatImageIndex, type ImageIndex, parseImageIndex } from "./image-index.ts";
import type { Manifest } from "./manifest.ts";
import { isIndexType, MEDIA_TYPE } from "./media-types.ts";
import { untilThere } from "./until-there.ts";
import { fetchDocument, pushBytes, type ReadableStore, type Store } from "./store.ts";

/** A store that knows the answer itself, as a registry does. */
interface ReferrerLister {
  referrers(subject: Digest): Promise<readonly Descriptor[]>;
}

/** What may refer to the image: whether it does, its `subject` says. Throws OciError and what the store throws. */
export async function listReferrers(store: ReadableStore, subject: Digest): Promise<readonly Descriptor[]> {
  if (listsReferrers(store)) return store.referrers(subject);
  const { manifests } = await readReferrersIndex(store, subject);
  const nameless = (await store.list()).filter(({ name }) => name === undefined);
  const all = [...manifests, ...nameless.map(({ descriptor }) => descriptor)];
  return [...new Map(all.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

/** Makes a pushed manifest known as a referrer, unless the store has seen to that. */
export async function addReferrer(store: Store, subject: Digest, referrer: Descriptor): Promise<void> {
  const name = referrersTag(subject);
  await untilThere(`${name} of ${store.description}`, async () => {
    const isListed = ({ digest }: Descriptor): boolean => digest === referrer.digest;
    if ((await listReferrers(store, subject)).some(isListed)) return true;
    const index = await readReferrersIndex(store, subject);
    if (index.manifests.some(isListed)) return true;
    const bytes = formatImageIndex({ ...index, manifests: [...index.manifests, referrer] });
    const descriptor = describeBytes(MEDIA_TYPE.index, bytes);
    await pushBytes(store, descriptor, bytes);
    await store.tag(descriptor, name);
    return false;
  });
}

async function readReferrersIndex(store: ReadableStore, subject: Digest): Promise<ImageIndex> {
  const name = referrersTag(subject);
  const found = await resolveIfThere(store, name);
  if (found === undefined || !isIndexType(found.mediaType)) return EMPTY_INDEX;
  return parseImageIndex(await fetchDocument(store, found), `${name} of ${store.description}`);
}

/** The name of the index that lists what refers to a digest, where a store does not list it itself. */
export function referrersTag(subject: Digest): string {
  return `sha256-${digestHex(subject)}`;
}

/** As lists of referrers have it (distribution-spec "Listing Referrers"). */
export function referrerOf(descriptor: Descriptor, document: Manifest | ImageIndex): Descriptor {
  const { mediaType, digest, sizeBytes } = descriptor;
  const { annotations, artifactType = "config" in document ? document.config.mediaType : undefined } = document;
  return { mediaType, digest, sizeBytes, annotations, ...(artifactType === undefined ? {} : { artifactType }) };
}

/** Undefined when the store has no such name. */
export async function resolveIfThere(store: ReadableStore, name: string): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(name);
  } catch (error) {
    if (error instanceof SlipwayError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

function listsReferrers(store: ReadableStore): store is ReadableStore & ReferrerLister {
  return "referrers" in store && typeof store.referrers === "function";
}
