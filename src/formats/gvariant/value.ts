// What GVariant values look like in JavaScript, type by type.

/** A value that carries its type (`v`). */
export interface Variant {
  readonly type: string;
  readonly value: Value;
}

/** A value of a maybe type that is there; `null` is Nothing. */
export interface Just {
  readonly just: Value;
}

/**
 * `y n q i u h d`: number · `x t`: bigint · `b`: boolean · `s o g`: string · `ay`: Uint8Array · `aT` and tuples: array
 * (a dictionary is an array of [key, value], in the order of the bytes) · `mT`: null or Just · `v`: Variant
 */
export type Value = number | bigint | boolean | string | Uint8Array | readonly Value[] | Variant | Just | null;

/** Short forms for metadata dictionaries. */
export function variant(type: string, value: Value): Variant {
  return { type, value };
}

/** An `a{sv}` dictionary of strings, in the order of the object's members. */
export function stringDictionary(entries: Readonly<Record<string, string>>): readonly [string, Variant][] {
  return Object.entries(entries).map(([key, value]) => [key, variant("s", value)]);
}
