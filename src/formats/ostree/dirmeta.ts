// dirmeta objects: `(uuua(ayay))`, uid, gid and mode big-endian (docs/formats/ostree.md).
import { decodeGVariant, encodeGVariant } from "../gvariant/index.ts";
import { swap32 } from "./byte-order.ts";
import { asArray, asNumber } from "./cast.ts";
import { OstreeFormatError } from "./errors.ts";
import type { ObjectMetadata } from "./file-header.ts";
import { xattrsFromValue, xattrsValue } from "./xattrs.ts";

const DIRMETA_TYPE = "(uuua(ayay))";
const S_IFDIR = 0o40000;

export function encodeDirmeta({ uid, gid, mode, xattrs }: ObjectMetadata): Uint8Array {
  return encodeGVariant(DIRMETA_TYPE, [
    swap32(uid),
    swap32(gid),
    swap32(S_IFDIR + (mode & 0o7777)),
    xattrsValue(xattrs),
  ]);
}

/** Throws BAD_OBJECT when the mode is not a directory's, GVariantError when it is not a dirmeta at all. */
export function decodeDirmeta(bytes: Uint8Array): ObjectMetadata {
  const [uid, gid, mode, xattrs] = asArray(decodeGVariant(DIRMETA_TYPE, bytes));
  const fullMode = swap32(asNumber(mode));
  if (fullMode < S_IFDIR || fullMode > S_IFDIR + 0o7777) {
    throw new OstreeFormatError(
      "BAD_OBJECT",
      `cannot read a dirmeta: its mode is 0${fullMode.toString(8)}, want a directory's`,
    );
  }
  const list = xattrsFromValue(xattrs);
  xattrsValue(list);
  return { uid: swap32(asNumber(uid)), gid: swap32(asNumber(gid)), mode: fullMode - S_IFDIR, xattrs: list };
}
