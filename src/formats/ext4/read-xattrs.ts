// Extended attributes from the bytes behind an inode's fields and from its attribute block. Entries whose value or name
// reaches beyond the bytes are CORRUPT; values in inodes of their own (ea_inode) are left out.
import { alignUp, type ByteString, bytesToByteString, viewOf } from "../../base/bytes/index.ts";
import { aclFromDisk } from "./acl.ts";
import { Ext4Error } from "./errors.ts";
import { XATTR } from "./format.ts";
import type { FsXattr } from "./input.ts";

const PREFIXES: Readonly<Record<number, ByteString>> = {
  1: "user.",
  2: "system.posix_acl_access",
  3: "system.posix_acl_default",
  4: "trusted.",
  6: "security.",
  7: "system.",
};

/** `bytes` begin with the magic number, else there are none. */
export function decodeInlineXattrs(bytes: Uint8Array): FsXattr[] {
  if (bytes.length < 8 || viewOf(bytes).getUint32(0, true) !== XATTR.magic) return [];
  return decodeEntries(bytes.subarray(XATTR.inodeHeader), 0);
}

/** Throws CORRUPT unless the block begins with the magic number. */
export function decodeXattrBlock(bytes: Uint8Array): FsXattr[] {
  if (viewOf(bytes).getUint32(0, true) !== XATTR.magic) {
    throw new Ext4Error("CORRUPT", "cannot read extended attributes: the block has no magic number");
  }
  return decodeEntries(bytes, XATTR.blockHeader);
}

function decodeEntries(bytes: Uint8Array, start: number): FsXattr[] {
  const view = viewOf(bytes);
  const found: FsXattr[] = [];
  for (let at = start; at + 4 <= bytes.length && view.getUint32(at, true) !== 0;) {
    const nameLength = view.getUint8(at);
    const nameAt = at + XATTR.entryHeader;
    if (nameAt + nameLength > bytes.length)
      throw new Ext4Error("CORRUPT", "cannot read extended attributes: a name reaches beyond its block");
    const prefix = PREFIXES[view.getUint8(at + 1)];
    const valueAt = view.getUint16(at + 2, true);
    const valueInode = view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    at = nameAt + alignUp(nameLength, 4);
    if (prefix === undefined || valueInode !== 0) continue;
    if (valueAt + length > bytes.length)
      throw new Ext4Error("CORRUPT", "cannot read extended attributes: a value reaches beyond its block");
    const stored = bytes.slice(valueAt, valueAt + length);
    const value = prefix.startsWith("system.posix_acl_") ? aclFromDisk(stored) : stored;
    if (value === undefined) throw new Ext4Error("CORRUPT", `cannot read ${prefix}: it is not an access control list`);
    found.push({ name: prefix + bytesToByteString(bytes.subarray(nameAt, nameAt + nameLength)), value });
  }
  return found;
}
