// From GVariant values to the types that a format's type string promises. The reader has checked them against that
// string already, so a mismatch here is a mistake of ours.
import { isVariant, type Value, type Variant } from "../gvariant/index.ts";

function promised(wanted: string): TypeError {
  return new TypeError(`a GVariant value is not the ${wanted} that its type promises`);
}

export function asArray(value: Value | undefined): readonly Value[] {
  if (Array.isArray(value)) return value;
  throw promised("array");
}

export function asBytes(value: Value | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw promised("byte array");
}

export function asString(value: Value | undefined): string {
  if (typeof value === "string") return value;
  throw promised("string");
}

export function asNumber(value: Value | undefined): number {
  if (typeof value === "number") return value;
  throw promised("number");
}

export function asBigint(value: Value | undefined): bigint {
  if (typeof value === "bigint") return value;
  throw promised("64-bit integer");
}

export function asVariant(value: Value | undefined): Variant {
  if (value !== undefined && isVariant(value)) return value;
  throw promised("variant");
}
