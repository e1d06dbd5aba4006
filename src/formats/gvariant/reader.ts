// Reads GVariant bytes. Only normal form is accepted, because what is read becomes part of checksums: every range is
// checked while parsing, then the value is serialised again and must give the same bytes.
// Refuses offsets that go backwards or out of range, nesting deeper than MAX_DEPTH, and values of more than MAX_BYTES.
import { equalBytes, viewOf } from "../../base/bytes/index.ts";
import { type BasicCode, GVariantError, type GVariantType, MAX_DEPTH, parseType } from "./type.ts";
import type { Value } from "./value.ts";
import { encodeGVariant, isValidText } from "./writer.ts";

/** ostree's own limit for a metadata object. */
export const MAX_BYTES: number = 128 * 1024 * 1024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The value of serialised bytes. Throws NOT_NORMAL, BAD_TYPE or LIMIT. `ay` values are views of `bytes`. */
export function decodeGVariant(type: string, bytes: Uint8Array): Value {
  if (bytes.length > MAX_BYTES) {
    throw new GVariantError("LIMIT", `cannot read a GVariant of ${bytes.length} bytes: the limit is ${MAX_BYTES}`);
  }
  const value = read(parseType(type), bytes, 0);
  if (!equalBytes(encodeGVariant(type, value), bytes))
    throw notNormal(type, "it does not serialise back to the same bytes");
  return value;
}

function read(type: GVariantType, bytes: Uint8Array, depth: number): Value {
  if (depth > MAX_DEPTH) throw new GVariantError("LIMIT", `cannot read a GVariant nested deeper than ${MAX_DEPTH}`);
  if (type.fixedSize !== undefined && bytes.length !== type.fixedSize) {
    throw notNormal(type.kind, `${bytes.length} bytes where ${type.fixedSize} were wanted`);
  }
  switch (type.kind) {
    case "basic":
      return readBasic(type.code, bytes);
    case "variant":
      return readVariant(bytes, depth);
    case "maybe":
      return readMaybe(type.element, bytes, depth);
    case "array":
      return readArray(type.element, bytes, depth);
    case "tuple":
      return readTuple(type.members, bytes, depth);
  }
}

function readBasic(code: BasicCode, bytes: Uint8Array): Value {
  const view = viewOf(bytes);
  switch (code) {
    case "y":
      return view.getUint8(0);
    case "b":
      if (view.getUint8(0) > 1) throw notNormal(code, "a boolean that is neither 0 nor 1");
      return view.getUint8(0) === 1;
    case "n":
      return view.getInt16(0, true);
    case "q":
      return view.getUint16(0, true);
    case "i":
    case "h":
      return view.getInt32(0, true);
    case "u":
      return view.getUint32(0, true);
    case "x":
      return view.getBigInt64(0, true);
    case "t":
      return view.getBigUint64(0, true);
    case "d":
      return view.getFloat64(0, true);
    default:
      return readText(code, bytes);
  }
}

function readText(code: BasicCode, bytes: Uint8Array): string {
  if (bytes.at(-1) !== 0) throw notNormal(code, "a string without its final NUL");
  let text: string;
  try {
    text = decoder.decode(bytes.subarray(0, -1));
  } catch {
    throw notNormal(code, "a string that is not UTF-8");
  }
  if (!isValidText(code, text)) throw notNormal(code, "a string that its type does not allow");
  return text;
}

function readVariant(bytes: Uint8Array, depth: number): Value {
  const separator = bytes.lastIndexOf(0);
  if (separator < 0) throw notNormal("v", "a variant without a type");
  const type = Buffer.from(bytes.subarray(separator + 1)).toString("latin1");
  return { type, value: read(parseType(type), bytes.subarray(0, separator), depth + 1) };
}

function readMaybe(element: GVariantType, bytes: Uint8Array, depth: number): Value {
  if (bytes.length === 0) return null;
  if (element.fixedSize !== undefined) return { just: read(element, bytes, depth + 1) };
  return { just: read(element, bytes.subarray(0, -1), depth + 1) };
}

function readArray(element: GVariantType, bytes: Uint8Array, depth: number): Value {
  if (element.kind === "basic" && element.code === "y") return bytes;
  if (bytes.length === 0) return [];
  const items: Value[] = [];
  if (element.fixedSize !== undefined) {
    for (let at = 0; at < bytes.length; at += element.fixedSize) {
      items.push(read(element, bytes.subarray(at, at + element.fixedSize), depth + 1));
    }
    return items;
  }
  const width = widthOf(bytes.length);
  const bodyEnd = offsetAt(bytes, bytes.length - width, width);
  if (bodyEnd > bytes.length || (bytes.length - bodyEnd) % width !== 0) throw notNormal("a", "offsets out of range");
  const count = (bytes.length - bodyEnd) / width;
  let start = 0;
  for (let index = 0; index < count; index++) {
    const end = offsetAt(bytes, bodyEnd + index * width, width);
    const at = Math.ceil(start / element.alignment) * element.alignment;
    items.push(read(element, slice(bytes, at, end, bodyEnd), depth + 1));
    start = end;
  }
  return items;
}

function readTuple(members: readonly GVariantType[], bytes: Uint8Array, depth: number): Value {
  const width = widthOf(bytes.length);
  const items: Value[] = [];
  let table = bytes.length;
  let at = 0;
  for (const [index, member] of members.entries()) {
    at = Math.ceil(at / member.alignment) * member.alignment;
    let end = at + (member.fixedSize ?? 0);
    if (member.fixedSize === undefined && index === members.length - 1) end = table;
    else if (member.fixedSize === undefined) {
      table -= width;
      if (table < 0) throw notNormal("()", "no room for its offsets");
      end = offsetAt(bytes, table, width);
    }
    items.push(read(member, slice(bytes, at, end, table), depth + 1));
    at = end;
  }
  return items;
}

function widthOf(totalBytes: number): 1 | 2 | 4 | 8 {
  return totalBytes <= 0xff ? 1 : totalBytes <= 0xffff ? 2 : totalBytes <= 0xffffffff ? 4 : 8;
}

function offsetAt(bytes: Uint8Array, at: number, width: 1 | 2 | 4 | 8): number {
  if (at < 0) throw notNormal("container", "no room for its offsets");
  const view = viewOf(bytes);
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true);
  if (width === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

function slice(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array {
  if (end < start || end > limit) throw notNormal("container", `a child from ${start} to ${end} of ${limit}`);
  return bytes.subarray(start, end);
}

function notNormal(type: string, found: string): GVariantError {
  return new GVariantError("NOT_NORMAL", `cannot read GVariant ${type}: found ${found}, want normal form`);
}
