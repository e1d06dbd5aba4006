// Reading JSON from outside, field by field. Every failure names the document and the path within it.
import { messageOf } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { OciError } from "./error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Where in which document: `manifest sha256:…`, `layers[2].digest`. */
export interface Place {
  readonly document: string;
  readonly path: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The object a document holds. Throws BAD_MANIFEST. */
export function parseJsonObject(bytes: Uint8Array, document: string): JsonObject {
  let value: unknown;
  try {
    value = parseJson(decoder.decode(bytes));
  } catch (cause) {
    throw new OciError(
      "BAD_MANIFEST",
      `cannot read ${document}: it is not JSON in UTF-8 (${messageOf(cause).slice(0, 100)})`,
      { cause },
    );
  }
  return asObject(value, { document, path: "" });
}

export function at(place: Place, key: string | number): Place {
  const path = typeof key === "number" ? `${place.path}[${key}]` : place.path === "" ? key : `${place.path}.${key}`;
  return { document: place.document, path };
}

export function refuse(place: Place, wanted: string, found: unknown): never {
  const shown = found === undefined ? "nothing" : (JSON.stringify(found) ?? typeof found).slice(0, 80);
  const where = place.path === "" ? "" : ` at ${place.path}`;
  throw new OciError("BAD_MANIFEST", `cannot read ${place.document}: found ${shown}${where}, wanted ${wanted}`);
}

export function asObject(value: unknown, place: Place): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  return refuse(place, "an object", value);
}

export function asArray(value: unknown, place: Place, maxLength: number): readonly unknown[] {
  if (!Array.isArray(value)) return refuse(place, "a list", value);
  if (value.length > maxLength) {
    throw new OciError(
      "LIMIT",
      `cannot read ${place.document}: ${value.length} items at ${place.path}, more than ${maxLength}`,
    );
  }
  return value;
}

export function asString(value: unknown, place: Place): string {
  return typeof value === "string" ? value : refuse(place, "a text", value);
}

export function asSize(value: unknown, place: Place): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse(place, "a size in bytes", value);
}

/** Undefined and null count as absent: Go writes null for empty lists and maps. */
export function optional<T>(value: unknown, place: Place, read: (value: unknown, place: Place) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value, place);
}

export function asStringMap(value: unknown, place: Place): Readonly<Record<string, string>> {
  const object = asObject(value, place);
  for (const [key, text] of Object.entries(object)) asString(text, at(place, key));
  return object as Readonly<Record<string, string>>;
}

export function asStringList(value: unknown, place: Place): readonly string[] {
  return asArray(value, place, 10_000).map((item, index) => asString(item, at(place, index)));
}
