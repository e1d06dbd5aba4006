// Fields of a base image's configuration, each of the type that it has to have. Null counts as absent, as Go writes it.
import { BuildError } from "./error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const MAX_ITEMS = 10_000;

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function stringOf(object: JsonObject, key: string): string | undefined {
  const value = object[key] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw wrong(key, "a text");
}

export function stringList(object: JsonObject, key: string): readonly string[] {
  const value = object[key] ?? [];
  if (Array.isArray(value) && value.length <= MAX_ITEMS && value.every((item) => typeof item === "string"))
    return value;
  throw wrong(key, `a list of at most ${MAX_ITEMS} texts`);
}

export function stringMap(object: JsonObject, key: string): Readonly<Record<string, string>> {
  const value = object[key] ?? {};
  if (isRecord(value) && Object.values(value).every((item) => typeof item === "string"))
    return value as Readonly<Record<string, string>>;
  throw wrong(key, "an object of texts");
}

function wrong(key: string, wanted: string): BuildError {
  return new BuildError("BAD_VALUE", `cannot use the base image: ${key} of its configuration is not ${wanted}`);
}
