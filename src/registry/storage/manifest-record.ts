// What a repository knows of a manifest beside its bytes, which are a blob. One JSON file a manifest.
import type { ContentDigest } from "../names.ts";

export interface ManifestRecord {
  readonly mediaType: string;
  readonly digest: ContentDigest;
  readonly size: number;
  readonly subject?: ContentDigest;
  /** The manifest's artifactType, or the media type of its config. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
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
