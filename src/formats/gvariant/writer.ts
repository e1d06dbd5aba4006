// GVariant serialisation, little-endian, always in normal form (GVariant specification, "Serialisation").
// Types are compiled once into functions that append to one growing buffer: since a container is at least as aligned
// as its children, aligning to the start of the buffer is aligning to the start of the container.
// Refuses values that do not fit their type.
import { type BasicCode, GVariantError, type GVariantType, isSignature, parseType } from "./type.ts";
import type { Just, Value, Variant } from "./value.ts";

/** Appends one value of a type to a buffer that is aligned for it. */
type Encode = (out: Output, value: Value) => void;

class Output {
  bytes: Buffer = Buffer.alloc(256);
  length = 0;

  /** Makes room for `more` bytes and returns the position of the first. The room may hold old bytes. */
  reserve(more: number): number {
    const needed = this.length + more;
    if (needed > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    return this.length;
  }

  align(alignment: number): void {
    const padding = (alignment - (this.length % alignment)) % alignment;
    if (padding === 0) return;
    const at = this.reserve(padding);
    this.bytes.fill(0, at, at + padding);
    this.length += padding;
  }

  byte(value: number): void {
    this.bytes[this.reserve(1)] = value;
    this.length += 1;
  }

  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
    this.length += bytes.length;
  }

  text(text: string): void {
    const at = this.reserve(text.length * 3);
    this.length += this.bytes.write(text, at, "utf8");
  }
}

const compiled = new Map<string, { readonly type: GVariantType; readonly encode: Encode }>();

function compile(text: string): { readonly type: GVariantType; readonly encode: Encode } {
  let entry = compiled.get(text);
  if (entry === undefined) {
    const type = parseType(text);
    entry = { type, encode: encoder(type) };
    // Type strings inside variants come from outside: never let them grow this without bound.
    if (compiled.size < 1000) compiled.set(text, entry);
  }
  return entry;
}

const KEPT_BUFFER_BYTES = 1024 * 1024;
let shared = new Output();

/** The serialised form. Throws BAD_TYPE, or BAD_VALUE when the value is not one of that type. */
export function encodeGVariant(type: string, value: Value): Uint8Array {
  // One buffer for all calls: an image has a hundred thousand small objects.
  const out = shared;
  out.length = 0;
  compile(type).encode(out, value);
  if (out.bytes.length > KEPT_BUFFER_BYTES) shared = new Output();
  return new Uint8Array(out.bytes.subarray(0, out.length));
}

function encoder(type: GVariantType): Encode {
  switch (type.kind) {
    case "basic":
      return basicEncoder(type.code);
    case "variant":
      return encodeVariant;
    case "maybe":
      return maybeEncoder(type.element);
    case "array":
      return arrayEncoder(type.element);
    case "tuple":
      return tupleEncoder(type);
  }
}

const INTEGER_RANGES: Readonly<Partial<Record<BasicCode, readonly [number, number]>>> = {
  y: [0, 0xff],
  n: [-0x8000, 0x7fff],
  q: [0, 0xffff],
  i: [-0x80000000, 0x7fffffff],
  u: [0, 0xffffffff],
  h: [-0x80000000, 0x7fffffff],
};

function basicEncoder(code: BasicCode): Encode {
  const range = INTEGER_RANGES[code];
  if (range !== undefined) return integerEncoder(code, range);
  switch (code) {
    case "b":
      return (out, value) => {
        if (typeof value !== "boolean") throw badValue(code, value);
        out.byte(value ? 1 : 0);
      };
    case "x":
    case "t":
      return (out, value) => {
        if (typeof value !== "bigint") throw badValue(code, value);
        if (value !== (code === "x" ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)))
          throw badValue(code, value);
        const at = out.reserve(8);
        out.bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
        out.length += 8;
      };
    case "d":
      return (out, value) => {
        if (typeof value !== "number") throw badValue(code, value);
        const at = out.reserve(8);
        out.bytes.writeDoubleLE(value, at);
        out.length += 8;
      };
    default:
      return (out, value) => {
        if (typeof value !== "string" || !isValidText(code, value)) throw badValue(code, value);
        out.text(value);
        out.byte(0);
      };
  }
}

function integerEncoder(code: BasicCode, [lowest, highest]: readonly [number, number]): Encode {
  const size = code === "y" ? 1 : code === "n" || code === "q" ? 2 : 4;
  return (out, value) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < lowest || value > highest)
      throw badValue(code, value);
    const at = out.reserve(size);
    if (value < 0) out.bytes.writeIntLE(value, at, size);
    else out.bytes.writeUIntLE(value, at, size);
    out.length += size;
  };
}

const OBJECT_PATH = /^\/(?:[A-Za-z0-9_]+(?:\/[A-Za-z0-9_]+)*)?$/;

/** Strings are well-formed Unicode without NUL; `o` and `g` have grammars of their own. */
export function isValidText(code: BasicCode, text: string): boolean {
  if (code === "o") return OBJECT_PATH.test(text);
  if (code === "g") return text.length <= 255 && isSignature(text);
  return !text.includes("\0") && text.isWellFormed();
}

const encodeVariant: Encode = (out, value) => {
  if (!isVariant(value)) throw badValue("v", value);
  compile(value.type).encode(out, value.value);
  out.byte(0);
  out.text(value.type);
};

function maybeEncoder(element: GVariantType): Encode {
  const encode = encoder(element);
  return (out, value) => {
    if (value === null) return;
    if (!isJust(value)) throw badValue("m", value);
    encode(out, value.just);
    if (element.fixedSize === undefined) out.byte(0);
  };
}

function arrayEncoder(element: GVariantType): Encode {
  if (element.kind === "basic" && element.code === "y") {
    return (out, value) => {
      if (!(value instanceof Uint8Array)) throw badValue("ay", value);
      out.append(value);
    };
  }
  const encode = encoder(element);
  const { alignment, fixedSize } = element;
  return (out, value) => {
    if (!isArray(value)) throw badValue("a", value);
    const start = out.length;
    const ends: number[] = [];
    for (const item of value) {
      out.align(alignment);
      encode(out, item);
      if (fixedSize === undefined) ends.push(out.length - start);
    }
    writeOffsets(out, start, ends);
  };
}

function tupleEncoder(type: GVariantType & { readonly kind: "tuple" }): Encode {
  const members = type.members.map((member) => ({ ...member, encode: encoder(member) }));
  const last = members.length - 1;
  return (out, value) => {
    if (!isArray(value) || value.length !== members.length) throw badValue("()", value);
    const start = out.length;
    const ends: number[] = [];
    for (const [index, member] of members.entries()) {
      out.align(member.alignment);
      member.encode(out, value[index] ?? null);
      if (member.fixedSize === undefined && index !== last) ends.push(out.length - start);
    }
    if (type.fixedSize === undefined) writeOffsets(out, start, ends.reverse());
    else if (members.length === 0) out.byte(0);
    else out.align(type.alignment);
  };
}

/** The framing offsets of a container that begins at `start`, in the narrowest width that can address all of it. */
function writeOffsets(out: Output, start: number, ends: readonly number[]): void {
  if (ends.length === 0) return;
  const width = offsetWidth(out.length - start, ends.length);
  let at = out.reserve(width * ends.length);
  for (const end of ends) {
    if (width === 8) out.bytes.writeBigUInt64LE(BigInt(end), at);
    else out.bytes.writeUIntLE(end, at, width);
    at += width;
  }
  out.length = at;
}

export function offsetWidth(bodyBytes: number, count: number): 1 | 2 | 4 | 8 {
  if (bodyBytes + count <= 0xff) return 1;
  if (bodyBytes + 2 * count <= 0xffff) return 2;
  if (bodyBytes + 4 * count <= 0xffffffff) return 4;
  return 8;
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isVariant(value: Value): value is Variant {
  return typeof value === "object" && value !== null && "type" in value;
}

function isJust(value: Value): value is Just {
  return typeof value === "object" && value !== null && "just" in value;
}

function badValue(type: string, value: Value): GVariantError {
  const shown =
    typeof value === "object" && value !== null ? "an object" : `${typeof value} ${String(value).slice(0, 60)}`;
  return new GVariantError(
    "BAD_VALUE",
    `cannot serialise ${shown} as GVariant type ${type}: it is not a value of that type`,
  );
}
