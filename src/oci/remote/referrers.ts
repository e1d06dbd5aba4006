// What refers to a manifest (distribution-spec "Listing Referrers"): by the API where the registry has it, else by the
// index under the referrers tag, which clients keep themselves (the "Referrers Tag Schema").
import type { Digest } from "../../base/digest.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { EMPTY_INDEX, formatImageIndex, type ImageIndex, parseImageIndex } from "../image-index.ts";
import { parseManifest } from "../manifest.ts";
import { isIndexType, MEDIA_TYPE } from "../media-types.ts";
import { referrerOf, referrersTag } from "../referrers.ts";
import { untilThere } from "../until-there.ts";
import { RegistryError } from "./error.ts";
import { MAX_REFERRERS } from "./limits.ts";
import { readManifest, writeManifest } from "./manifests.ts";
import { readPages } from "./pages.ts";
import type { RemoteRepository } from "./repository.ts";

/** Throws RegistryError, OciError BAD_MANIFEST, LIMIT. */
export async function readReferrers(
  repository: RemoteRepository,
  subject: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[]> {
  const found =
    (await readFromApi(repository, subject, artifactType)) ?? (await readFromTag(repository, subject)).manifests;
  if (found.length > MAX_REFERRERS)
    throw new OciError(
      "LIMIT",
      `cannot list what refers to ${subject} in ${repository.description}: more than ${MAX_REFERRERS}`,
    );
  // The registry may filter, but need not.
  return artifactType === undefined ? found : found.filter((descriptor) => descriptor.artifactType === artifactType);
}

/** Undefined when the registry has no such API. */
async function readFromApi(
  repository: RemoteRepository,
  subject: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[] | undefined> {
  const attempt = `list what refers to ${subject} in ${repository.description}`;
  const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const found: Descriptor[] = [];
  try {
    for await (const { bytes, answer } of readPages(
      repository,
      `referrers/${subject}${query}`,
      attempt,
      MEDIA_TYPE.index,
    )) {
      // Some answer 200 with a page for people.
      if (answer.headers["content-type"]?.split(";")[0] !== MEDIA_TYPE.index) return undefined;
      found.push(...parseImageIndex(bytes, `the referrers of ${subject}`).manifests);
      if (found.length > MAX_REFERRERS) break;
    }
  } catch (error) {
    const isUnknown =
      (error instanceof OciError && error.code === "NOT_FOUND") ||
      (error instanceof RegistryError && (error.code === "UNSUPPORTED" || error.code === "REFUSED"));
    if (isUnknown) return undefined;
    throw error;
  }
  return found;
}

async function readFromTag(repository: RemoteRepository, subject: Digest): Promise<ImageIndex> {
  try {
    const { bytes } = await readManifest(repository, referrersTag(subject));
    return parseImageIndex(bytes, `the referrers of ${subject}`);
  } catch (error) {
    if (error instanceof OciError && error.code === "NOT_FOUND") return EMPTY_INDEX;
    throw error;
  }
}

/** After a push to a registry without the API: lists the manifest under its subject's tag, if it has a subject. */
export async function addReferrer(
  repository: RemoteRepository,
  descriptor: Descriptor,
  bytes: Uint8Array,
): Promise<void> {
  const isIndex = isIndexType(descriptor.mediaType);
  const document = (isIndex ? parseImageIndex : parseManifest)(bytes, `manifest ${descriptor.digest}`);
  const { subject } = document;
  if (subject === undefined) return;
  const tag = referrersTag(subject.digest);
  await untilThere(`${tag} of ${repository.description}`, async () => {
    const index = await readFromTag(repository, subject.digest);
    if (index.manifests.some(({ digest }) => digest === descriptor.digest)) return true;
    const manifests = [...index.manifests, referrerOf(descriptor, document)];
    const extended = formatImageIndex({ ...index, manifests });
    await writeManifest(repository, describeBytes(MEDIA_TYPE.index, extended), extended, tag);
    return false;
  });
}
