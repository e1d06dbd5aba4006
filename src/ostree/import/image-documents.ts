// Manifest and config as they stand in the merge commit's metadata (docs/formats/ostree.md): canonical JSON of what the
// importer's typed structures keep. Members that the OCI image specification does not name are dropped, and so are
// nulls; the lists below are those structures' members.
import { parseJson } from "../../base/json.ts";
import { canonicalJson, type Json } from "../canonical-json.ts";
import { OstreeError } from "../errors.ts";

/** `true`: kept whole. A list of one shape: an array of such. */
type Shape = true | readonly [Shape] | { readonly [member: string]: Shape };

const PLATFORM: Shape = {
  architecture: true,
  os: true,
  os_version: true,
  os_features: true,
  variant: true,
  features: true,
};

const DESCRIPTOR: Shape = {
  mediaType: true,
  digest: true,
  size: true,
  urls: true,
  annotations: true,
  platform: PLATFORM,
  artifactType: true,
  data: true,
};

const MANIFEST: Shape = {
  schemaVersion: true,
  mediaType: true,
  artifactType: true,
  config: DESCRIPTOR,
  layers: [DESCRIPTOR],
  subject: DESCRIPTOR,
  annotations: true,
};

const CONFIG: Shape = {
  created: true,
  author: true,
  architecture: true,
  os: true,
  "os.version": true,
  "os.features": true,
  variant: true,
  config: {
    User: true,
    ExposedPorts: true,
    Env: true,
    Entrypoint: true,
    Cmd: true,
    Volumes: true,
    WorkingDir: true,
    Labels: true,
    StopSignal: true,
  },
  rootfs: { type: true, diff_ids: true },
  history: [{ created: true, author: true, created_by: true, comment: true, empty_layer: true }],
};

function project(value: Json, shape: Shape): Json {
  if (shape === true || typeof value !== "object" || value === null) return value;
  if (isList(shape)) return Array.isArray(value) ? value.map((item: Json) => project(item, shape[0])) : value;
  const members = Object.entries(value as { readonly [key: string]: Json });
  return Object.fromEntries(
    members.flatMap(([key, member]) => {
      const inner = Object.hasOwn(shape, key) ? shape[key] : undefined;
      return inner === undefined || member === null ? [] : [[key, project(member, inner)]];
    }),
  );
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** What the importer reads from manifest and config besides passing them on. */
export interface ImageDocuments {
  readonly manifestJson: string;
  readonly configJson: string;
  readonly layerDigests: readonly string[];
  readonly diffIds: readonly string[];
  /** config.Labels["ostree.final-diffid"]: the last layer of an encapsulated commit. */
  readonly finalDiffId: string | undefined;
  /** Whole seconds since 1970 when the image says when it was made, readably. */
  readonly createdSeconds: number | undefined;
}

/** Throws BAD_IMAGE when a document is not JSON or its lists of layers do not fit together. */
export function readImageDocuments(manifestBytes: Uint8Array, configBytes: Uint8Array): ImageDocuments {
  const manifest = parse("manifest", manifestBytes);
  const config = parse("config", configBytes);
  const layerDigests = array(manifest["layers"]).map((layer) => text(object(layer)["digest"]) ?? "");
  const diffIds = array(object(config["rootfs"])["diff_ids"]).map((id) => text(id) ?? "");
  if (layerDigests.length === 0 || layerDigests.length !== diffIds.length) {
    throw new OstreeError(
      "BAD_IMAGE",
      `cannot import image: its manifest has ${layerDigests.length} layers, its config ${diffIds.length}`,
    );
  }
  const annotated = text(object(manifest["annotations"])["org.opencontainers.image.created"]);
  return {
    manifestJson: canonicalJson(project(manifest, MANIFEST)),
    configJson: canonicalJson(project(config, CONFIG)),
    layerDigests,
    diffIds,
    finalDiffId: text(object(object(config["config"])["Labels"])["ostree.final-diffid"]),
    createdSeconds: parseSeconds(annotated ?? text(config["created"])),
  };
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

function parseSeconds(created: string | undefined): number | undefined {
  if (created === undefined || !RFC3339.test(created)) return undefined;
  // Date.parse wants milliseconds: the fraction does not matter for whole seconds.
  const milliseconds = Date.parse(created.replace(/\.\d+/, "").replace(" ", "T").toUpperCase());
  return milliseconds >= 0 ? milliseconds / 1000 : undefined;
}

function parse(what: string, bytes: Uint8Array): { readonly [key: string]: Json } {
  let value: unknown;
  try {
    value = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OstreeError("BAD_IMAGE", `cannot import image: its ${what} is not JSON`, { cause });
  }
  if (!isObject(value)) throw new OstreeError("BAD_IMAGE", `cannot import image: its ${what} is not a JSON object`);
  return value;
}

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: Json | undefined): { readonly [key: string]: Json } {
  return isObject(value) ? value : {};
}

function array(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
