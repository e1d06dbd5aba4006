// What the local store holds, as `images` shows it.
import {
  type Descriptor,
  fetchDocument,
  formatPlatform,
  isIndexType,
  isManifestType,
  type NamedDescriptor,
  openDescriptor,
  parseImageIndex,
  parseManifest,
  PULLED_FROM,
  type ReadableStore,
} from "../oci/index.ts";
import { SlipwayError } from "../base/errors.ts";

export interface StoredImage {
  readonly name: string | null;
  readonly digest: string;
  readonly mediaType: string;
  readonly platforms: readonly string[];
  /** RFC 3339, as the image says. */
  readonly created: string | null;
  /** Of all blobs that are here, each once. */
  readonly sizeBytes: number;
  readonly pulledFrom: string | null;
}

/** Throws what the store throws; images that cannot be read are listed with what is known of them. */
export async function describeStored(
  store: ReadableStore,
  { name, descriptor }: NamedDescriptor,
): Promise<StoredImage> {
  const sizes = new Map<string, number>();
  const platforms: string[] = [];
  let created: string | undefined;
  const visit = async (each: Descriptor): Promise<void> => {
    if (!(await store.exists(each))) return;
    sizes.set(each.digest, each.sizeBytes);
    if (isIndexType(each.mediaType)) {
      for (const child of parseImageIndex(await fetchDocument(store, each), each.digest).manifests) await visit(child);
    } else if (isManifestType(each.mediaType)) {
      const { config, layers } = parseManifest(await fetchDocument(store, each), each.digest);
      for (const blob of [config, ...layers]) if (await store.exists(blob)) sizes.set(blob.digest, blob.sizeBytes);
      // Artifacts have no platform.
      const image = await openDescriptor(store, each).catch(unreadable);
      if (image === undefined) return;
      platforms.push(formatPlatform(image.config.platform));
      created ??= image.config.created;
    }
  };
  await visit(descriptor);
  return {
    name: name ?? null,
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    platforms,
    created: created ?? null,
    sizeBytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    pulledFrom: descriptor.annotations?.[PULLED_FROM] ?? null,
  };
}

function unreadable(error: unknown): undefined {
  if (!(error instanceof SlipwayError)) throw error;
}
