// POSIX ACLs: as an extended attribute (version 2, eight bytes an entry) and as ext4 stores them (version 1, entries
// without an id are four bytes). Source: include/uapi/linux/posix_acl_xattr.h and fs/ext4/acl.h.
import { viewOf } from "../../base/bytes/index.ts";

const WIRE_VERSION = 2;
const DISK_VERSION = 1;
const HEADER = 4;
const WIRE_ENTRY = 8;
const SHORT_ENTRY = 4;
const LONG_ENTRY = 8;
/** Only a named user and a named group have an id. */
const TAGS_WITH_ID: readonly number[] = [0x02, 0x08];
const TAGS_WITHOUT_ID: readonly number[] = [0x01, 0x04, 0x10, 0x20];

/** ext4's form of an ACL attribute, or undefined when the value is not one. */
export function aclToDisk(value: Uint8Array): Uint8Array | undefined {
  if (value.length < HEADER || (value.length - HEADER) % WIRE_ENTRY !== 0) return undefined;
  const from = viewOf(value);
  if (from.getUint32(0, true) !== WIRE_VERSION) return undefined;
  const bytes = new Uint8Array(value.length);
  const to = viewOf(bytes);
  to.setUint32(0, DISK_VERSION, true);
  let end = HEADER;
  for (let at = HEADER; at < value.length; at += WIRE_ENTRY) {
    const tag = from.getUint16(at, true);
    to.setUint16(end, tag, true);
    to.setUint16(end + 2, from.getUint16(at + 2, true), true);
    if (TAGS_WITH_ID.includes(tag)) to.setUint32(end + 4, from.getUint32(at + 4, true), true);
    else if (!TAGS_WITHOUT_ID.includes(tag)) return undefined;
    end += TAGS_WITH_ID.includes(tag) ? LONG_ENTRY : SHORT_ENTRY;
  }
  return bytes.slice(0, end);
}

/** The attribute's form of what ext4 stores, or undefined when it is not an ACL. */
export function aclFromDisk(value: Uint8Array): Uint8Array | undefined {
  if (value.length < HEADER) return undefined;
  const from = viewOf(value);
  if (from.getUint32(0, true) !== DISK_VERSION) return undefined;
  const bytes = new Uint8Array(HEADER + ((value.length - HEADER) / SHORT_ENTRY) * WIRE_ENTRY);
  const to = viewOf(bytes);
  to.setUint32(0, WIRE_VERSION, true);
  let end = HEADER;
  for (let at = HEADER; at < value.length; end += WIRE_ENTRY) {
    if (at + SHORT_ENTRY > value.length) return undefined;
    const tag = from.getUint16(at, true);
    const isLong = TAGS_WITH_ID.includes(tag);
    if (isLong && at + LONG_ENTRY > value.length) return undefined;
    to.setUint16(end, tag, true);
    to.setUint16(end + 2, from.getUint16(at + 2, true), true);
    to.setUint32(end + 4, isLong ? from.getUint32(at + 4, true) : 0xffffffff, true);
    at += isLong ? LONG_ENTRY : SHORT_ENTRY;
  }
  return bytes.slice(0, end);
}
