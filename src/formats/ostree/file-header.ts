// The header that stands before a content object's bytes while it is hashed (docs/formats/ostree.md):
// BE32 length, four zero bytes, `(uuuusa(ayay))` of uid, gid, mode, rdev, symlink target, xattrs.
// Content objects are regular files and symbolic links; nothing else can be stored.
import { hash } from "node:crypto";
import { type ByteString, byteStringToUtf8, concatBytes, printable } from "../../base/bytes/index.ts";
import { encodeGVariant } from "../gvariant/index.ts";
import { swap32 } from "./byte-order.ts";
import { OstreeFormatError } from "./errors.ts";
import { type ObjectXattr, xattrsValue } from "./xattrs.ts";

const HEADER_TYPE = "(uuuusa(ayay))";
const S_IFREG = 0o100000;
/** Always with mode 0777: it is what lstat gives back, and what fsck of a bare repository therefore hashes. */
const SYMLINK_MODE = 0o120777;

export interface ObjectOwner {
  readonly uid: number;
  readonly gid: number;
  /** Sorted by name. */
  readonly xattrs: readonly ObjectXattr[];
}

export interface ObjectMetadata extends ObjectOwner {
  /** Permission bits, 0…0o7777. */
  readonly mode: number;
}

/**
 * What precedes a regular file's content in its checksum: `sha256(fileObjectPrefix(metadata) || content)`.
 * Throws BAD_OBJECT for xattrs that are not sorted, GVariantError for owners beyond 32 bits.
 */
export function fileObjectPrefix({ uid, gid, mode, xattrs }: ObjectMetadata): Uint8Array {
  const key = xattrs.length === 0 ? `${uid}:${gid}:${mode}` : undefined;
  const known = key === undefined ? undefined : plainPrefixes.get(key);
  if (known !== undefined) return known;
  const fields = [swap32(uid), swap32(gid), swap32(S_IFREG + (mode & 0o7777)), 0, "", xattrsValue(xattrs)];
  const prefix = frame(encodeGVariant(HEADER_TYPE, fields));
  if (key !== undefined && plainPrefixes.size < MAX_PLAIN_PREFIXES) plainPrefixes.set(key, prefix);
  return prefix;
}

/** Of files without xattrs, by owner and mode: a system has ten thousands of files and a few dozens of these. */
const plainPrefixes = new Map<string, Uint8Array>();
const MAX_PLAIN_PREFIXES = 1000;

/** The checksum of a symbolic link. Throws BAD_OBJECT when the target is empty or not UTF-8. */
export function symlinkChecksum({ uid, gid, xattrs }: ObjectOwner, target: ByteString): string {
  const text = byteStringToUtf8(target);
  if (text === undefined || text === "") {
    throw new OstreeFormatError(
      "BAD_OBJECT",
      `cannot store a symbolic link to "${printable(target)}": want a target in UTF-8`,
    );
  }
  const header = encodeGVariant(HEADER_TYPE, [
    swap32(uid),
    swap32(gid),
    swap32(SYMLINK_MODE),
    0,
    text,
    xattrsValue(xattrs),
  ]);
  return hash("sha256", frame(header), "hex");
}

function frame(header: Uint8Array): Uint8Array {
  const lead = Buffer.alloc(8);
  lead.writeUInt32BE(header.length);
  return concatBytes([lead, header]);
}
