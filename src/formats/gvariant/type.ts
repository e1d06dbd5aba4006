// GVariant type strings (GLib's "GVariant Type Strings" and the GVariant specification, "Alignment and fixed size").
// Refuses indefinite types (`*`, `?`, `r`), anything after the first complete type, and nesting beyond MAX_DEPTH.
import { SlipwayError } from "../../base/errors.ts";

export class GVariantError extends SlipwayError<"BAD_TYPE" | "BAD_VALUE" | "NOT_NORMAL" | "LIMIT"> {}

/** Containers and variants inside each other; GLib allows 128, ostree's deepest object uses 6. */
export const MAX_DEPTH = 64;

/** Longest type string accepted. */
const MAX_TYPE_LENGTH = 255;

export type BasicCode = "y" | "b" | "n" | "q" | "i" | "u" | "h" | "x" | "t" | "d" | "s" | "o" | "g";

interface Shape {
  /** 1, 2, 4 or 8 bytes. */
  readonly alignment: number;
  /** Bytes of every value of this type; undefined when values differ in size. */
  readonly fixedSize: number | undefined;
}

export type GVariantType = Shape &
  (
    | { readonly kind: "basic"; readonly code: BasicCode }
    | { readonly kind: "variant" }
    | { readonly kind: "array" | "maybe"; readonly element: GVariantType }
    | { readonly kind: "tuple"; readonly members: readonly GVariantType[] }
  );

const BASIC: Readonly<Record<BasicCode, Shape>> = {
  y: { alignment: 1, fixedSize: 1 },
  b: { alignment: 1, fixedSize: 1 },
  n: { alignment: 2, fixedSize: 2 },
  q: { alignment: 2, fixedSize: 2 },
  i: { alignment: 4, fixedSize: 4 },
  u: { alignment: 4, fixedSize: 4 },
  h: { alignment: 4, fixedSize: 4 },
  x: { alignment: 8, fixedSize: 8 },
  t: { alignment: 8, fixedSize: 8 },
  d: { alignment: 8, fixedSize: 8 },
  s: { alignment: 1, fixedSize: undefined },
  o: { alignment: 1, fixedSize: undefined },
  g: { alignment: 1, fixedSize: undefined },
};

function isBasic(code: string): code is BasicCode {
  return Object.hasOwn(BASIC, code);
}

/** One complete type. A dict entry `{KV}` is a tuple of two: they serialise alike. Throws BAD_TYPE or LIMIT. */
export function parseType(text: string): GVariantType {
  const parsed = parseAt(text, 0, 0);
  if (parsed.end !== text.length) throw badType(text);
  return parsed.type;
}

/** True when `text` is zero or more complete types, as a value of type `g` must be. */
export function isSignature(text: string): boolean {
  try {
    for (let at = 0; at < text.length;) at = parseAt(text, at, 0).end;
    return true;
  } catch {
    return false;
  }
}

interface Parsed {
  readonly type: GVariantType;
  readonly end: number;
}

function parseAt(text: string, at: number, depth: number): Parsed {
  if (text.length > MAX_TYPE_LENGTH || depth > MAX_DEPTH) {
    throw new GVariantError(
      "LIMIT",
      `cannot read a GVariant type of ${text.length} characters, ${depth} levels deep: too large`,
    );
  }
  const code = text.charAt(at);
  if (isBasic(code)) return { type: { kind: "basic", code, ...BASIC[code] }, end: at + 1 };
  switch (code) {
    case "v":
      return { type: { kind: "variant", alignment: 8, fixedSize: undefined }, end: at + 1 };
    case "a":
    case "m": {
      const { type: element, end } = parseAt(text, at + 1, depth + 1);
      const kind = code === "a" ? "array" : "maybe";
      return { type: { kind, element, alignment: element.alignment, fixedSize: undefined }, end };
    }
    case "(":
      return parseMembers(text, at, ")", depth);
    case "{": {
      const parsed = parseMembers(text, at, "}", depth);
      if (
        parsed.type.kind !== "tuple" ||
        parsed.type.members.length !== 2 ||
        parsed.type.members[0]?.kind !== "basic"
      ) {
        throw badType(text);
      }
      return parsed;
    }
    default:
      throw badType(text);
  }
}

function parseMembers(text: string, start: number, close: string, depth: number): Parsed {
  const members: GVariantType[] = [];
  let at = start + 1;
  while (text.charAt(at) !== close) {
    const parsed = parseAt(text, at, depth + 1);
    members.push(parsed.type);
    at = parsed.end;
  }
  return { type: { kind: "tuple", members, ...tupleShape(members) }, end: at + 1 };
}

function tupleShape(members: readonly GVariantType[]): Shape {
  const alignment = members.reduce((largest, member) => Math.max(largest, member.alignment), 1);
  let size = 0;
  for (const member of members) {
    if (member.fixedSize === undefined) return { alignment, fixedSize: undefined };
    size = Math.ceil(size / member.alignment) * member.alignment + member.fixedSize;
  }
  // The unit tuple still takes one byte.
  return { alignment, fixedSize: members.length === 0 ? 1 : Math.ceil(size / alignment) * alignment };
}

function badType(text: string): GVariantError {
  return new GVariantError(
    "BAD_TYPE",
    `cannot read GVariant type ${JSON.stringify(text.slice(0, 80))}: want one complete, definite type`,
  );
}
