// One inode of 256 bytes: 128 of old, 32 of the extra part, 96 for extended attributes.
// Source: Documentation/filesystems/ext4/inodes.rst.
import { byteStringToBytes, crc32cUpdate, viewOf } from "../../base/bytes/index.ts";
import { inodeSeed } from "./checksum.ts";
import { Ext4Error } from "./errors.ts";
import { EXTRA_INODE_SIZE, FILE_TYPE, INODE_FLAG, INODE_SIZE } from "./format.ts";
import type { FsDevice, FsNode } from "./input.ts";

export interface InodeRecord {
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly links: number;
  /** All blocks that the inode owns: data, tree, attribute block. */
  readonly blocks: number;
  readonly flags: number;
  /** i_block: at most 60 bytes. */
  readonly map: Uint8Array;
  /** The block with extended attributes; 0 for none. */
  readonly xattrBlock: number;
  /** What lies behind the extra part. */
  readonly inlineXattrs: Uint8Array | undefined;
  readonly mtimeSeconds: number;
  readonly ctimeSeconds: number;
}

/** One view for all inodes: there are many, and views are dear. */
const bytes = new Uint8Array(INODE_SIZE);
const view: DataView = viewOf(bytes);

/** Writes an inode into its place in the table. Access time is the modification time, birth time the change time. */
export function encodeInode(table: Uint8Array, at: number, number: number, record: InodeRecord, fsSeed: number): void {
  bytes.fill(0);
  view.setUint16(0x00, record.mode, true);
  view.setUint16(0x02, record.uid % 65_536, true);
  view.setUint32(0x04, record.sizeBytes % 2 ** 32, true);
  view.setUint16(0x18, record.gid % 65_536, true);
  view.setUint16(0x1a, record.links, true);
  const sectors = record.blocks * 8;
  view.setUint32(0x1c, sectors % 2 ** 32, true);
  view.setUint32(0x20, record.flags, true);
  bytes.set(record.map, 0x28);
  view.setUint32(0x68, record.xattrBlock % 2 ** 32, true);
  view.setUint32(0x6c, Math.floor(record.sizeBytes / 2 ** 32), true);
  view.setUint16(0x74, Math.floor(sectors / 2 ** 32), true);
  view.setUint16(0x76, Math.floor(record.xattrBlock / 2 ** 32), true);
  view.setUint16(0x78, Math.floor(record.uid / 65_536), true);
  view.setUint16(0x7a, Math.floor(record.gid / 65_536), true);
  view.setUint16(0x80, EXTRA_INODE_SIZE, true);
  setTime(0x08, 0x8c, record.mtimeSeconds);
  setTime(0x0c, 0x84, record.ctimeSeconds);
  setTime(0x10, 0x88, record.mtimeSeconds);
  setTime(0x90, 0x94, record.ctimeSeconds);
  if (record.inlineXattrs !== undefined) bytes.set(record.inlineXattrs, 128 + EXTRA_INODE_SIZE);
  const checksum = crc32cUpdate(inodeSeed(fsSeed, number), bytes);
  view.setUint16(0x7c, checksum % 65_536, true);
  view.setUint16(0x82, checksum >>> 16, true);
  table.set(bytes, at);
}

const EARLIEST = -(2 ** 31);
/** April 2310. The epoch bits reach 2446, but e2fsck takes a part of what comes later for a broken time before 1970. */
const LATEST = 3 * 2 ** 32 - 2 ** 31 - 1;

/** A signed 32-bit number plus two epoch bits that add 0…2 times 2^32. Out of range is clamped, as the kernel does. */
function setTime(at: number, extraAt: number, seconds: number): void {
  const clamped = Math.min(Math.max(Math.trunc(seconds), EARLIEST), LATEST);
  view.setInt32(at, (clamped % 2 ** 32) | 0, true);
  view.setUint32(extraAt, Math.floor((clamped + 2 ** 31) / 2 ** 32), true);
}

export function modeOf(node: FsNode): number {
  return FILE_TYPE[node.type].mode + node.mode;
}

/** Only files and directories may carry the immutable flag: e2fsck refuses it elsewhere. */
export function immutableFlag(node: FsNode): number {
  return node.immutable === true && (node.type === "file" || node.type === "directory") ? INODE_FLAG.immutable : 0;
}

/** i_block of a fast symbolic link. */
export function symlinkMap(target: string): Uint8Array {
  return byteStringToBytes(target);
}

/** i_block of a device: the old 8:8 number in the first word, else the new 12:20 number in the second. */
export function deviceMap(node: FsDevice): Uint8Array {
  const { major, minor } = node;
  if (!(major >= 0 && major < 4096 && minor >= 0 && minor < 2 ** 20)) {
    throw new Ext4Error("BAD_TREE", `cannot store device ${major}:${minor}: want numbers below 4096 and ${2 ** 20}`);
  }
  const map = new Uint8Array(60);
  if (major < 256 && minor < 256) viewOf(map).setUint32(0, major * 256 + minor, true);
  else viewOf(map).setUint32(4, (minor % 256) + major * 256 + Math.floor(minor / 256) * 2 ** 20, true);
  return map;
}
