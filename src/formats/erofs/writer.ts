// Writes an EROFS image of metadata: inodes, directories, links and xattrs, but files without data of their own
// (one hole each), as composefs puts them under overlayfs. Byte-identical to libcomposefs 1.0.8.
import { byteStringToBytes } from "../../base/bytes/index.ts";
import { writeEntries } from "./directory.ts";
import {
  BLOCK_BITS,
  BLOCK_BYTES,
  BOOT_BYTES,
  COMPACT_BYTES,
  EXTENDED_BYTES,
  FEATURES,
  LAYOUT,
  MAGIC,
  MIN_CHUNK_BITS,
  SLOT_BYTES,
  SUPERBLOCK,
  SUPERBLOCK_BYTES,
  XATTR_HEADER_BYTES,
} from "./format.ts";
import { chunkBits, type ErofsLayout, layOut, type PlacedInode } from "./layout.ts";
import type { ErofsDirectory, ErofsNode } from "./node.ts";

const TYPE_BITS: Readonly<Record<ErofsNode["type"], number>> = {
  file: 0o100000,
  directory: 0o40000,
  symlink: 0o120000,
  character: 0o20000,
  block: 0o60000,
  fifo: 0o10000,
  socket: 0o140000,
};

/** The image; its first 1,024 bytes are `boot`, or zeros. Throws LIMIT. */
export function encodeErofs(root: ErofsDirectory, boot: Uint8Array = new Uint8Array()): Uint8Array {
  const layout = layOut(root);
  const image = Buffer.alloc(layout.sizeBytes);
  image.set(boot.subarray(0, BOOT_BYTES));
  writeSuperblock(image, layout);
  let block = layout.dataStart / BLOCK_BYTES;
  for (const [index, inode] of layout.inodes.entries()) {
    writeInode(image, layout, index, inode, block);
    writeData(image, layout, inode, block);
    block += inode.blocks;
  }
  layout.xattrs.writeShared(image, layout.inodesEnd);
  return image;
}

function writeSuperblock(image: Buffer, { inodes, sizeBytes, inodesEnd, firstMtimeSeconds }: ErofsLayout): void {
  const at = BOOT_BYTES;
  image.writeUInt32LE(MAGIC, at + SUPERBLOCK.magic);
  image.writeUInt32LE(FEATURES, at + SUPERBLOCK.featureCompat);
  image[at + SUPERBLOCK.blockBits] = BLOCK_BITS;
  image.writeUInt16LE((BOOT_BYTES + SUPERBLOCK_BYTES) / SLOT_BYTES, at + SUPERBLOCK.rootNid);
  image.writeBigUInt64LE(BigInt(inodes.length), at + SUPERBLOCK.inodes);
  image.writeBigInt64LE(BigInt(firstMtimeSeconds), at + SUPERBLOCK.buildTime);
  image.writeUInt32LE(sizeBytes / BLOCK_BYTES, at + SUPERBLOCK.blocks);
  image.writeUInt32LE(Math.floor(inodesEnd / BLOCK_BYTES), at + SUPERBLOCK.xattrBlock);
}

function writeInode(image: Buffer, layout: ErofsLayout, index: number, inode: PlacedInode, block: number): void {
  const { node, links, isExtended, xattrs } = inode;
  const at = layout.offsets[index] ?? 0;
  image.writeUInt16LE(dataLayout(inode) * 2 + (isExtended ? 1 : 0), at);
  image.writeUInt16LE(xattrs.bytes === 0 ? 0 : (xattrs.bytes - XATTR_HEADER_BYTES) / 4 + 1, at + 2);
  image.writeUInt16LE(TYPE_BITS[node.type] + node.mode, at + 4);
  image.writeUInt32LE(dataField(inode, block), at + 16);
  image.writeUInt32LE(index, at + 20);
  if (isExtended) {
    image.writeBigUInt64LE(BigInt(sizeOf(inode)), at + 8);
    image.writeUInt32LE(node.uid, at + 24);
    image.writeUInt32LE(node.gid, at + 28);
    image.writeBigInt64LE(BigInt(node.mtimeSeconds), at + 32);
    image.writeUInt32LE(links, at + 44);
  } else {
    image.writeUInt16LE(links, at + 6);
    image.writeUInt32LE(sizeOf(inode), at + 8);
    image.writeUInt16LE(node.uid, at + 24);
    image.writeUInt16LE(node.gid, at + 26);
  }
  const xattrsAt = at + (isExtended ? EXTENDED_BYTES : COMPACT_BYTES);
  layout.xattrs.writeInode(image, xattrsAt, xattrs, layout.inodesEnd % BLOCK_BYTES);
  if (!inode.isTailDisplaced) writeTail(image, layout, inode, xattrsAt + xattrs.bytes, inode.tailBytes);
}

function dataLayout({ node, tailBytes }: PlacedInode): number {
  if (node.type === "file" && node.sizeBytes > 0) return LAYOUT.chunked;
  return tailBytes > 0 ? LAYOUT.inline : LAYOUT.plain;
}

function sizeOf({ node, blocks, tailBytes }: PlacedInode): number {
  if (node.type === "file") return node.sizeBytes;
  if (node.type === "symlink") return node.target.length;
  return node.type === "directory" ? blocks * BLOCK_BYTES + tailBytes : 0;
}

/** First data block, device number, or chunk format. */
function dataField({ node, blocks }: PlacedInode, block: number): number {
  if (node.type === "file") return node.sizeBytes > 0 ? chunkBits(node.sizeBytes) - MIN_CHUNK_BITS : 0;
  if (node.type === "directory") return blocks > 0 ? block : 0;
  return node.type === "symlink" ? 0 : node.rdev;
}

function writeTail(
  image: Buffer,
  layout: ErofsLayout,
  { node, directory }: PlacedInode,
  at: number,
  bytes: number,
): void {
  if (node.type === "symlink") image.set(byteStringToBytes(node.target), at);
  else if (node.type === "file") image.fill(0xff, at, at + bytes);
  else if (directory !== undefined) writeEntries(image, at, directory.tail, layout.offsets);
}

function writeData(image: Buffer, layout: ErofsLayout, inode: PlacedInode, block: number): void {
  let at = block * BLOCK_BYTES;
  for (const entries of inode.directory?.blocks ?? []) {
    writeEntries(image, at, entries, layout.offsets);
    at += BLOCK_BYTES;
  }
  if (inode.isTailDisplaced) writeTail(image, layout, inode, at, BLOCK_BYTES);
}
