// Image manifests (image-spec manifest.md) and Docker schema 2 manifests. Refused: documents above the caps, schema 1,
// and documents whose media type contradicts their content.
import { type Descriptor, formatDescriptor, readDescriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { asArray, asString, asStringMap, at, optional, parseJsonObject, refuse } from "./json.ts";
import { isManifestType, MEDIA_TYPE } from "./media-types.ts";

/** The distribution spec asks registries to take manifests of 4 MiB; larger ones travel nowhere. */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024;
export const MAX_LAYERS = 1000;

export interface Manifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
}

/** `document` names it in messages: `manifest sha256:…`. Throws OciError BAD_MANIFEST, LIMIT, UNSUPPORTED. */
export function parseManifest(bytes: Uint8Array, document: string): Manifest {
  assertManifestSize(bytes.length, document);
  const object = parseJsonObject(bytes, document);
  const place = { document, path: "" };
  if (object["schemaVersion"] === 1) {
    throw new OciError(
      "UNSUPPORTED",
      `cannot read ${document}: it has schema version 1, which registries gave up years ago`,
      {
        hint: "Pull and push the image again with a current tool",
      },
    );
  }
  if (object["schemaVersion"] !== 2) return refuse(at(place, "schemaVersion"), "2", object["schemaVersion"]);
  if (object["manifests"] !== undefined)
    return refuse(at(place, "manifests"), "an image manifest, which has none", "an index");
  const mediaType = optional(object["mediaType"], at(place, "mediaType"), asString) ?? MEDIA_TYPE.manifest;
  if (!isManifestType(mediaType)) return refuse(at(place, "mediaType"), `${MEDIA_TYPE.manifest}`, mediaType);
  const layers = at(place, "layers");
  const artifactType = optional(object["artifactType"], at(place, "artifactType"), asString);
  const subject = optional(object["subject"], at(place, "subject"), readDescriptor);
  return {
    mediaType,
    config: readDescriptor(object["config"], at(place, "config")),
    layers: asArray(object["layers"] ?? [], layers, MAX_LAYERS).map((value, index) =>
      readDescriptor(value, at(layers, index)),
    ),
    annotations: optional(object["annotations"], at(place, "annotations"), asStringMap) ?? {},
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject }),
  };
}

export function assertManifestSize(sizeBytes: number, document: string): void {
  if (sizeBytes <= MAX_MANIFEST_BYTES) return;
  throw new OciError("LIMIT", `cannot read ${document}: ${sizeBytes} bytes, more than ${MAX_MANIFEST_BYTES}`);
}

/** The bytes of a manifest; equal input, equal bytes. */
export function formatManifest(manifest: Manifest): Uint8Array {
  const { mediaType, config, layers, annotations, artifactType, subject } = manifest;
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      ...(artifactType === undefined ? {} : { artifactType }),
      config: formatDescriptor(config),
      layers: layers.map(formatDescriptor),
      ...(subject === undefined ? {} : { subject: formatDescriptor(subject) }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }),
  );
}
