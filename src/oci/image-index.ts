// Image indexes (image-spec image-index.md), Docker's manifest lists, and the choice of a platform from them.
import { type Descriptor, formatDescriptor, readDescriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { asArray, asString, asStringMap, at, optional, parseJsonObject, refuse } from "./json.ts";
import { assertManifestSize } from "./manifest.ts";
import { isDocumentType, isIndexType, MEDIA_TYPE } from "./media-types.ts";
import { formatPlatform, matchesPlatform, type Platform } from "./platform.ts";

const MAX_MANIFESTS = 100_000;

export interface ImageIndex {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
}

export const EMPTY_INDEX: ImageIndex = { mediaType: MEDIA_TYPE.index, manifests: [], annotations: {} };

/** Throws OciError BAD_MANIFEST, LIMIT. */
export function parseImageIndex(bytes: Uint8Array, document: string): ImageIndex {
  assertManifestSize(bytes.length, document);
  return readImageIndex(bytes, document);
}

/** As `parseImageIndex`, without the cap on size: for the index.json of a layout. */
export function readImageIndex(bytes: Uint8Array, document: string): ImageIndex {
  const object = parseJsonObject(bytes, document);
  const place = { document, path: "" };
  if (object["schemaVersion"] !== 2) return refuse(at(place, "schemaVersion"), "2", object["schemaVersion"]);
  const mediaType = optional(object["mediaType"], at(place, "mediaType"), asString) ?? MEDIA_TYPE.index;
  if (!isIndexType(mediaType)) return refuse(at(place, "mediaType"), MEDIA_TYPE.index, mediaType);
  const manifests = at(place, "manifests");
  const artifactType = optional(object["artifactType"], at(place, "artifactType"), asString);
  const subject = optional(object["subject"], at(place, "subject"), readDescriptor);
  return {
    mediaType,
    manifests: asArray(object["manifests"] ?? [], manifests, MAX_MANIFESTS).map((value, index) =>
      readDescriptor(value, at(manifests, index)),
    ),
    annotations: optional(object["annotations"], at(place, "annotations"), asStringMap) ?? {},
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject }),
  };
}

export function formatImageIndex({ mediaType, manifests, annotations, artifactType, subject }: ImageIndex): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      ...(artifactType === undefined ? {} : { artifactType }),
      manifests: manifests.map(formatDescriptor),
      ...(subject === undefined ? {} : { subject: formatDescriptor(subject) }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }),
  );
}

/** The first manifest that serves the platform. Throws NO_PLATFORM, which lists what there is. */
export function choosePlatform(index: ImageIndex, wanted: Platform, document: string): Descriptor {
  const images = index.manifests.filter(({ mediaType }) => isDocumentType(mediaType));
  const found = images.find(({ platform }) => platform !== undefined && matchesPlatform(wanted, platform));
  if (found !== undefined) return found;
  // An index that says nothing of platforms and has one image means that image; its config tells the architecture.
  const only = images.length === 1 ? images[0] : undefined;
  if (only !== undefined && only.platform === undefined) return only;
  const offered = images.flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)]));
  const list = [...new Set(offered)].filter((text) => !text.startsWith("unknown/")).sort();
  throw new OciError(
    "NO_PLATFORM",
    `cannot use ${document} for ${formatPlatform(wanted)}: it has ${list.length === 0 ? "no image with a platform" : list.join(", ")}`,
    { hint: "Choose one of these with --arch, or use another image", data: { wanted: formatPlatform(wanted) } },
  );
}
