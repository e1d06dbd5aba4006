// Descriptors (image-spec descriptor.md): what kind, which bytes, how many.
import { type Digest, digestOf, isDigest } from "../base/digest.ts";
import { asObject, asSize, asString, asStringMap, at, type JsonObject, optional, type Place, refuse } from "./json.ts";
import { formatPlatformJson, type Platform, readPlatform } from "./platform.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
}

export function readDescriptor(value: unknown, place: Place): Descriptor {
  const object = asObject(value, place);
  const digest = asString(object["digest"], at(place, "digest"));
  if (!isDigest(digest)) return refuse(at(place, "digest"), "sha256: and 64 lower-case hex digits", digest);
  const annotations = optional(object["annotations"], at(place, "annotations"), asStringMap);
  const platform = optional(object["platform"], at(place, "platform"), readPlatform);
  const artifactType = optional(object["artifactType"], at(place, "artifactType"), asString);
  return {
    mediaType: asString(object["mediaType"], at(place, "mediaType")),
    digest,
    sizeBytes: asSize(object["size"], at(place, "size")),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

export function describeBytes(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), sizeBytes: bytes.length };
}

/** As JSON has it, keys in the order other tools write them. */
export function formatDescriptor(descriptor: Descriptor): JsonObject {
  const { mediaType, digest, sizeBytes, annotations, platform, artifactType } = descriptor;
  return {
    mediaType,
    digest,
    size: sizeBytes,
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform: formatPlatformJson(platform) }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}
