// Image configurations (image-spec config.md): what Slipway needs of them. The bytes themselves are kept beside.
import { type Digest, isDigest } from "../base/digest.ts";
import { OciError } from "./error.ts";
import {
  asArray,
  asObject,
  asString,
  asStringList,
  asStringMap,
  at,
  type JsonObject,
  optional,
  parseJsonObject,
  type Place,
  refuse,
} from "./json.ts";
import { assertManifestSize, MAX_LAYERS } from "./manifest.ts";
import { makePlatform, type Platform } from "./platform.ts";

export interface ImageConfig {
  readonly platform: Platform;
  /** RFC 3339, as written. */
  readonly created?: string;
  /** Digests of the layers' decompressed tars, base first. */
  readonly diffIds: readonly Digest[];
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
  readonly history: readonly HistoryEntry[];
  /** The whole document as parsed JSON, for fields that only some need. */
  readonly json: JsonObject;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  /** True for steps that made no layer. */
  readonly emptyLayer: boolean;
}

/** Throws OciError BAD_MANIFEST, LIMIT, NOT_AN_IMAGE. */
export function parseConfig(bytes: Uint8Array, document: string): ImageConfig {
  assertManifestSize(bytes.length, document);
  const json = parseJsonObject(bytes, document);
  const place = { document, path: "" };
  if (json["rootfs"] === undefined) {
    throw new OciError(
      "NOT_AN_IMAGE",
      `cannot use ${document} as an image: it has no rootfs, so it describes something else`,
    );
  }
  const rootfs = asObject(json["rootfs"], at(place, "rootfs"));
  const diffIds = at(at(place, "rootfs"), "diff_ids");
  const run = optional(json["config"], at(place, "config"), asObject) ?? {};
  const created = optional(json["created"], at(place, "created"), asString);
  return {
    platform: makePlatform(
      asString(json["os"] ?? "linux", at(place, "os")),
      asString(json["architecture"], at(place, "architecture")),
      optional(json["variant"], at(place, "variant"), asString),
    ),
    ...(created === undefined ? {} : { created }),
    diffIds: asArray(rootfs["diff_ids"] ?? [], diffIds, MAX_LAYERS).map((value, index) =>
      readDiffId(value, at(diffIds, index)),
    ),
    labels: optional(run["Labels"], at(place, "config.Labels"), asStringMap) ?? {},
    env: optional(run["Env"], at(place, "config.Env"), asStringList) ?? [],
    history: asArray(json["history"] ?? [], at(place, "history"), 100_000).map((value, index) =>
      readHistory(value, at(at(place, "history"), index)),
    ),
    json,
  };
}

function readDiffId(value: unknown, place: Place): Digest {
  const text = asString(value, place);
  return isDigest(text) ? text : refuse(place, "sha256: and 64 lower-case hex digits", text);
}

function readHistory(value: unknown, place: Place): HistoryEntry {
  const object = asObject(value, place);
  const created = optional(object["created"], at(place, "created"), asString);
  const createdBy = optional(object["created_by"], at(place, "created_by"), asString);
  const comment = optional(object["comment"], at(place, "comment"), asString);
  return {
    ...(created === undefined ? {} : { created }),
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(comment === undefined ? {} : { comment }),
    emptyLayer: object["empty_layer"] === true,
  };
}
