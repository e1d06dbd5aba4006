// Extended attributes as ostree objects carry them: `a(ayay)`, names with their NUL, values raw, sorted by name
// (docs/formats/ostree.md; ostree 2024.10 and later refuse unsorted or double names, and so does this).
import { type ByteString, byteStringToBytes, bytesToByteString, printable } from "../../base/bytes/index.ts";
import { decodeGVariant, type Value } from "../gvariant/index.ts";
import { asArray, asBytes } from "./cast.ts";
import { OstreeFormatError } from "./errors.ts";

const XATTRS_TYPE = "a(ayay)";

export interface ObjectXattr {
  readonly name: ByteString;
  readonly value: Uint8Array;
}

/** The xattr list as a GVariant value. Throws BAD_OBJECT when names are empty, double or not sorted. */
export function xattrsValue(xattrs: readonly ObjectXattr[]): Value {
  let previous = "";
  return xattrs.map(({ name, value }) => {
    if (name <= previous || name.includes("\0")) {
      throw new OstreeFormatError(
        "BAD_OBJECT",
        `cannot store extended attribute "${printable(name)}" after "${printable(previous)}": want sorted, distinct names`,
      );
    }
    previous = name;
    return [byteStringToBytes(`${name}\0`), value];
  });
}

export function xattrsFromValue(value: Value | undefined): ObjectXattr[] {
  return asArray(value).map((pair) => {
    const [name, content] = asArray(pair).map(asBytes);
    if (name === undefined || content === undefined || name.length < 2 || name.indexOf(0) !== name.length - 1) {
      throw new OstreeFormatError("BAD_OBJECT", "cannot read an extended attribute: its name does not end in one NUL");
    }
    return { name: bytesToByteString(name.subarray(0, -1)), value: Uint8Array.from(content) };
  });
}

/** Reads the bytes of a `.file-xattrs` object; none at all are an empty list. Throws BAD_OBJECT or GVariantError. */
export function decodeXattrs(bytes: Uint8Array): ObjectXattr[] {
  const xattrs = xattrsFromValue(decodeGVariant(XATTRS_TYPE, bytes));
  xattrsValue(xattrs);
  return xattrs;
}
