// What a repository knows of a manifest beside its bytes, which are a blob. One JSON file a manifest.
import type { ManifestFacts } from "../manifest.ts";
import type { ContentDigest } from "../names.ts";

/** Of an image, `artifactType` is the media type of its config when it names none. */
export interface ManifestRecord extends Omit<ManifestFacts, "blobs"> {
  readonly digest: ContentDigest;
  readonly size: number;
}

export interface StoredManifest {
  readonly record: ManifestRecord;
  readonly bytes: Uint8Array;
}

/** As the referrers API lists it. */
export function referrerDescriptor(record: ManifestRecord): object {
  const { mediaType, digest, size, artifactType, annotations } = record;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
