// What a registry has to know of a manifest (image-spec manifest.md, image-index.md; Docker schema 2): its kind, what it
// names, its subject. The bytes are kept as they came. Refused: other media types, documents that could be read as two
// kinds, media types that contradict each other.
import { messageOf } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { isIndexType, isManifestType } from "../oci/index.ts";
import { RequestError } from "./error.ts";
import { type ContentDigest, isContentDigest, quote } from "./names.ts";

const MAX_DESCRIPTORS = 100_000;

export interface BlobReference {
  readonly digest: ContentDigest;
  readonly sizeBytes: number;
  /** Lies elsewhere: a registry may have to do without it. */
  readonly isForeign: boolean;
}

export interface ManifestFacts {
  readonly mediaType: string;
  readonly blobs: readonly BlobReference[];
  readonly subject?: ContentDigest;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** `contentType` is the request's, without parameters; empty when it gave none. Throws RequestError MANIFEST_INVALID. */
export function references(bytes: Uint8Array, contentType: string): ManifestFacts {
  const json = readJson(bytes);
  const mediaType = contentType === "" ? json["mediaType"] : contentType;
  if (typeof mediaType !== "string") throw invalid("it has no media type, neither in Content-Type nor inside");
  if (json["mediaType"] !== undefined && json["mediaType"] !== mediaType)
    throw invalid(
      `its mediaType is ${JSON.stringify(json["mediaType"]).slice(0, 100)}, its Content-Type ${quote(mediaType)}`,
    );
  if (json["schemaVersion"] !== 2) throw invalid("its schemaVersion is not 2");
  if (isIndexType(mediaType)) return { ...common(json, mediaType), blobs: readIndex(json) };
  if (!isManifestType(mediaType)) throw invalid(`its media type ${quote(mediaType)} is no image manifest or index`);
  const config = descriptor(json["config"], "config");
  const artifactType = nonEmpty(json["artifactType"]) ?? nonEmpty((json["config"] as Json)["mediaType"]);
  if (json["manifests"] !== undefined) throw invalid("an image manifest must not have manifests");
  return {
    ...common(json, mediaType),
    ...(artifactType === undefined ? {} : { artifactType }),
    blobs: [config, ...list(json["layers"] ?? [], "layers").map((layer) => descriptor(layer, "layers"))],
  };
}

function readIndex(json: Json): readonly BlobReference[] {
  if (json["layers"] !== undefined || json["config"] !== undefined)
    throw invalid("an index must not have config or layers");
  // An index may name images that are pushed later or never: they are not looked for.
  for (const child of list(json["manifests"] ?? [], "manifests")) descriptor(child, "manifests");
  return [];
}

function common(json: Json, mediaType: string): Omit<ManifestFacts, "blobs"> {
  const subject =
    json["subject"] === undefined || json["subject"] === null ? undefined : descriptor(json["subject"], "subject");
  const artifactType = nonEmpty(json["artifactType"]);
  const annotations = readAnnotations(json["annotations"]);
  return {
    mediaType,
    ...(subject === undefined ? {} : { subject: subject.digest }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function readAnnotations(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = Object.entries(object(value, "annotations"));
  if (!entries.every(([, text]) => typeof text === "string")) throw invalid("its annotations are not all texts");
  return Object.fromEntries(entries) as Record<string, string>;
}

function descriptor(value: unknown, field: string): BlobReference {
  const { digest, size, mediaType, urls } = object(value, field);
  if (typeof digest !== "string" || !isContentDigest(digest)) throw invalid(`${field} has no valid digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalid(`${field} has no valid size`);
  if (typeof mediaType !== "string" || mediaType === "") throw invalid(`${field} has no media type`);
  const isForeign = /nondistributable|\.foreign\./.test(mediaType) || (Array.isArray(urls) && urls.length > 0);
  return { digest, sizeBytes: size, isForeign };
}

function readJson(bytes: Uint8Array): Json {
  try {
    return object(parseJson(decoder.decode(bytes)), "the document");
  } catch (cause) {
    if (cause instanceof RequestError) throw cause;
    throw new RequestError("MANIFEST_INVALID", `cannot read the manifest: ${messageOf(cause).slice(0, 100)}`, {
      cause,
    });
  }
}

function object(value: unknown, field: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw invalid(`${field} is no object`);
}

function list(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_DESCRIPTORS) return value;
  throw invalid(`${field} is no list, or longer than ${MAX_DESCRIPTORS}`);
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function invalid(found: string): RequestError {
  return new RequestError("MANIFEST_INVALID", `cannot accept the manifest: ${found}`);
}
