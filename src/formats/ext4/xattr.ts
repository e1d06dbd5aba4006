// Extended attributes of an inode: what fits lies behind the inode's fields, the rest in one block of its own, which
// inodes with equal attributes share. Source: Documentation/filesystems/ext4/attributes.rst. Refuses names without a
// known prefix, ACLs that are none, and more than inode and block hold (the kernel's ENOSPC).
import { alignUp, byteStringToBytes, crc32cUpdate, viewOf } from "../../base/bytes/index.ts";
import { aclToDisk } from "./acl.ts";
import { crcLong } from "./checksum.ts";
import { Ext4Error } from "./errors.ts";
import { BLOCK_SIZE, EXTRA_INODE_SIZE, INODE_SIZE, MAX_NAME_BYTES, XATTR } from "./format.ts";
import type { FsXattr } from "./input.ts";

export interface XattrPlan {
  /** Bytes behind the inode's fields, or undefined. */
  readonly inline: Uint8Array | undefined;
  /** The block's content without reference count and checksum, or undefined. */
  readonly block: Uint8Array | undefined;
}

interface Entry {
  readonly nameIndex: number;
  readonly name: Uint8Array;
  readonly value: Uint8Array;
  readonly sizeBytes: number;
}

const ACL_ACCESS = "system.posix_acl_access";
const ACL_DEFAULT = "system.posix_acl_default";
export const NO_XATTRS: XattrPlan = { inline: undefined, block: undefined };

const PREFIXES = [
  ["user.", 1],
  ["trusted.", 4],
  ["security.", 6],
  ["system.", 7],
] as const;

const INLINE_SIZE: number = INODE_SIZE - 128 - EXTRA_INODE_SIZE;
/** Header and the four zero bytes that end the list. */
const INLINE_SPACE: number = INLINE_SIZE - XATTR.inodeHeader - 4;
const BLOCK_SPACE: number = BLOCK_SIZE - XATTR.blockHeader - 4;

/** `describe` names the inode for messages. */
export function planXattrs(xattrs: readonly FsXattr[], describe: () => string): XattrPlan {
  if (xattrs.length === 0) return NO_XATTRS;
  // Large ones first: that fills the inode best, and only the sum counts.
  const entries = xattrs
    .map((xattr) => toEntry(xattr, describe))
    .sort((a, b) => b.sizeBytes - a.sizeBytes || compareEntries(a, b));
  const inline: Entry[] = [];
  const inBlock: Entry[] = [];
  let inlineLeft = INLINE_SPACE;
  let blockLeft = BLOCK_SPACE;
  for (const entry of entries) {
    if (entry.sizeBytes <= inlineLeft) {
      inline.push(entry);
      inlineLeft -= entry.sizeBytes;
    } else {
      inBlock.push(entry);
      blockLeft -= entry.sizeBytes;
    }
  }
  if (blockLeft < 0) {
    const total = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
    throw new Ext4Error(
      "XATTR_TOO_LARGE",
      `cannot store the extended attributes of ${describe()}: they take ${total} bytes, ext4 has ${INLINE_SPACE} in the inode and ${BLOCK_SPACE} in one block`,
    );
  }
  return {
    inline: inline.length === 0 ? undefined : encodeInline(inline.sort(compareEntries)),
    block: inBlock.length === 0 ? undefined : encodeBlock(inBlock.sort(compareEntries)),
  };
}

function toEntry(xattr: FsXattr, describe: () => string): Entry {
  const [nameIndex, rest, value] = splitName(xattr, describe);
  const name = byteStringToBytes(rest);
  if (name.length > MAX_NAME_BYTES) throw refused(xattr, describe, `the name is longer than ${MAX_NAME_BYTES} bytes`);
  if (value.length > BLOCK_SPACE) {
    throw new Ext4Error(
      "XATTR_TOO_LARGE",
      `cannot store attribute "${xattr.name}" of ${describe()}: it has ${value.length} bytes, ext4 stores at most ${BLOCK_SPACE}`,
    );
  }
  return { nameIndex, name, value, sizeBytes: XATTR.entryHeader + alignUp(name.length, 4) + alignUp(value.length, 4) };
}

function splitName(xattr: FsXattr, describe: () => string): [nameIndex: number, rest: string, value: Uint8Array] {
  if (xattr.name === ACL_ACCESS || xattr.name === ACL_DEFAULT) {
    const value = aclToDisk(xattr.value);
    if (value === undefined) throw refused(xattr, describe, "the value is not an access control list of version 2");
    return [xattr.name === ACL_ACCESS ? 2 : 3, "", value];
  }
  for (const [prefix, nameIndex] of PREFIXES) {
    const rest = xattr.name.slice(prefix.length);
    if (xattr.name.startsWith(prefix) && rest !== "") return [nameIndex, rest, xattr.value];
  }
  throw refused(xattr, describe, "ext4 knows names in user., trusted., security. and system.");
}

function refused(xattr: FsXattr, describe: () => string, reason: string): Ext4Error {
  return new Ext4Error("BAD_XATTR", `cannot store attribute "${xattr.name}" of ${describe()}: ${reason}`);
}

/** The order that the kernel's search in a block relies on. */
function compareEntries(a: Entry, b: Entry): number {
  return a.nameIndex - b.nameIndex || a.name.length - b.name.length || Buffer.compare(a.name, b.name);
}

function encodeInline(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(INLINE_SIZE);
  viewOf(bytes).setUint32(0, XATTR.magic, true);
  // Offsets count from the first entry; hashes stay 0 here, as the kernel leaves them.
  encodeEntries(bytes.subarray(XATTR.inodeHeader), 0, entries, () => 0);
  return bytes;
}

function encodeBlock(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0x0, XATTR.magic, true);
  view.setUint32(0x8, 1, true);
  const hashes: number[] = [];
  encodeEntries(bytes, XATTR.blockHeader, entries, (entry) => {
    const hash = entryHash(entry);
    hashes.push(hash);
    return hash;
  });
  view.setUint32(0xc, blockHash(hashes), true);
  return bytes;
}

/** Entries grow from `at` upwards, values from the end downwards. */
function encodeEntries(
  bytes: Uint8Array,
  start: number,
  entries: readonly Entry[],
  hash: (entry: Entry) => number,
): void {
  const view = viewOf(bytes);
  let at = start;
  let valuesAt = bytes.length;
  for (const entry of entries) {
    valuesAt -= alignUp(entry.value.length, 4);
    bytes.set(entry.value, valuesAt);
    view.setUint8(at, entry.name.length);
    view.setUint8(at + 1, entry.nameIndex);
    view.setUint16(at + 2, entry.value.length === 0 ? 0 : valuesAt, true);
    view.setUint32(at + 8, entry.value.length, true);
    view.setUint32(at + 12, hash(entry), true);
    bytes.set(entry.name, at + XATTR.entryHeader);
    at += XATTR.entryHeader + alignUp(entry.name.length, 4);
  }
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function entryHash(entry: Entry): number {
  let hash = 0;
  for (const byte of entry.name) hash = rotate(hash, 5) ^ byte;
  const padded = new Uint8Array(alignUp(entry.value.length, 4));
  padded.set(entry.value);
  const view = viewOf(padded);
  for (let at = 0; at < padded.length; at += 4) hash = rotate(hash, 16) ^ view.getUint32(at, true);
  return hash >>> 0;
}

/** Of the block: 0 ("do not share") as soon as one entry's hash is 0. */
function blockHash(hashes: readonly number[]): number {
  if (hashes.includes(0)) return 0;
  return hashes.reduce((hash, each) => rotate(hash, 16) ^ each, 0) >>> 0;
}

/** The block as it is written at block `at`, with the number of inodes that refer to it. */
export function sealXattrBlock(block: Uint8Array, references: number, at: number, fsSeed: number): Uint8Array {
  const bytes = Uint8Array.from(block);
  const view = viewOf(bytes);
  view.setUint32(0x4, references, true);
  view.setUint32(0x10, crc32cUpdate(crcLong(fsSeed, at), bytes), true);
  return bytes;
}
