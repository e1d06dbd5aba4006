// Where everything stands in an EROFS image (docs/formats/composefs.md): inodes breadth-first, each padded so
// that its inline tail does not cross a block; a tail that cannot fit becomes a data block.
import { alignUp, type ByteString, compareByteStrings } from "../../base/bytes/index.ts";
import { type DirectoryBlocks, type DirectoryEntry, splitDirectory } from "./directory.ts";
import { ErofsError } from "./errors.ts";
import {
  BLOCK_BYTES,
  BOOT_BYTES,
  CHUNK_ENTRY_BYTES,
  COMPACT_BYTES,
  EXTENDED_BYTES,
  MAX_CHUNK_BITS,
  MIN_CHUNK_BITS,
  SLOT_BYTES,
  SUPERBLOCK_BYTES,
} from "./format.ts";
import type { ErofsDirectory, ErofsNode } from "./node.ts";
import { XattrTable } from "./xattrs.ts";

export interface PlacedInode {
  readonly node: ErofsNode;
  readonly links: number;
  readonly isExtended: boolean;
  readonly xattrs: ReturnType<XattrTable["place"]>;
  readonly directory: DirectoryBlocks | undefined;
  /** Bytes right behind inode and xattrs. */
  readonly tailBytes: number;
  /** The tail stands in a data block instead. */
  readonly isTailDisplaced: boolean;
  /** Data blocks, a displaced tail included. */
  readonly blocks: number;
}

export interface ErofsLayout {
  readonly inodes: readonly PlacedInode[];
  /** Byte offset of each inode. */
  readonly offsets: Float64Array;
  readonly xattrs: XattrTable;
  /** End of the inodes; the shared xattrs begin here. */
  readonly inodesEnd: number;
  readonly dataStart: number;
  readonly sizeBytes: number;
  readonly firstMtimeSeconds: number;
}

interface Numbered {
  readonly node: ErofsNode;
  readonly links: number;
  readonly entries: readonly DirectoryEntry[] | undefined;
}

/** Throws LIMIT for symbolic links that fill a block and for images over 2 GiB. */
export function layOut(root: ErofsDirectory): ErofsLayout {
  const numbered = numberInodes(root);
  const nodes = numbered.map(({ node }) => node);
  const xattrs = new XattrTable(nodes);
  const firstMtimeSeconds = nodes.reduce((first, { mtimeSeconds }) => Math.min(first, mtimeSeconds), root.mtimeSeconds);
  const offsets = new Float64Array(numbered.length);
  const inodes: PlacedInode[] = [];
  let position = BOOT_BYTES + SUPERBLOCK_BYTES;
  for (const [index, one] of numbered.entries()) {
    const { inode, offset, end } = placeInode(one, xattrs, firstMtimeSeconds, position);
    offsets[index] = offset;
    inodes.push(inode);
    position = end;
  }
  const inodesEnd = alignUp(position, SLOT_BYTES);
  const dataStart = alignUp(inodesEnd + xattrs.sharedBytes, BLOCK_BYTES);
  const sizeBytes = dataStart + inodes.reduce((sum, { blocks }) => sum + blocks, 0) * BLOCK_BYTES;
  if (sizeBytes > 0x7fffffff)
    throw new ErofsError("LIMIT", `cannot write an EROFS image of ${sizeBytes} bytes: the limit is 2 GiB`);
  return { inodes, offsets, xattrs, inodesEnd, dataStart, sizeBytes, firstMtimeSeconds };
}

/** Breadth-first, siblings by name; the position in the list is the inode number. */
function numberInodes(root: ErofsDirectory): Numbered[] {
  const list: { node: ErofsNode; parent: number }[] = [{ node: root, parent: 0 }];
  const numbered: Numbered[] = [];
  for (let index = 0; index < list.length; index++) {
    const { node, parent } = list[index] as { node: ErofsNode; parent: number };
    if (node.type !== "directory") {
      numbered.push({ node, links: 1, entries: undefined });
      continue;
    }
    const entries: DirectoryEntry[] = [
      { name: ".", inode: index, type: "directory" },
      { name: "..", inode: parent, type: "directory" },
    ];
    let links = 2;
    for (const [name, child] of sortedChildren(node)) {
      entries.push({ name, inode: list.length, type: child.type });
      list.push({ node: child, parent: index });
      if (child.type === "directory") links += 1;
    }
    numbered.push({ node, links, entries: entries.sort((a, b) => compareByteStrings(a.name, b.name)) });
  }
  return numbered;
}

function sortedChildren(node: ErofsDirectory): [ByteString, ErofsNode][] {
  return [...node.entries].sort(([a], [b]) => compareByteStrings(a, b));
}

function placeInode(
  { node, links, entries }: Numbered,
  table: XattrTable,
  firstMtimeSeconds: number,
  end: number,
): { readonly inode: PlacedInode; readonly offset: number; readonly end: number } {
  const directory = entries === undefined ? undefined : splitDirectory(entries);
  const blocks = directory?.blocks.length ?? 0;
  const tailBytes = directory?.tailBytes ?? tailOf(node);
  const isExtended = !fitsCompact(node, links, blocks * BLOCK_BYTES + tailBytes, firstMtimeSeconds);
  const xattrs = table.place(node);
  const fixedBytes = (isExtended ? EXTENDED_BYTES : COMPACT_BYTES) + xattrs.bytes;
  const { offset, isDisplaced } = padding(node, alignUp(end, SLOT_BYTES), fixedBytes, tailBytes);
  const inode: PlacedInode = {
    node,
    links,
    isExtended,
    xattrs,
    directory,
    tailBytes: isDisplaced ? 0 : tailBytes,
    isTailDisplaced: isDisplaced,
    blocks: blocks + (isDisplaced ? 1 : 0),
  };
  return { inode, offset, end: offset + fixedBytes + inode.tailBytes };
}

function padding(
  node: ErofsNode,
  position: number,
  fixedBytes: number,
  tailBytes: number,
): { readonly offset: number; readonly isDisplaced: boolean } {
  const nextBlock = alignUp(position, BLOCK_BYTES);
  if (node.type === "symlink") {
    const last = position + fixedBytes + tailBytes - 1;
    if (fixedBytes + tailBytes >= BLOCK_BYTES) {
      throw new ErofsError(
        "LIMIT",
        `cannot store a symbolic link of ${tailBytes} bytes in a composefs image: it must fit one block`,
      );
    }
    const crosses = Math.floor(position / BLOCK_BYTES) !== Math.floor(last / BLOCK_BYTES);
    return { offset: crosses ? nextBlock : position, isDisplaced: false };
  }
  const room = BLOCK_BYTES - ((position + fixedBytes) % BLOCK_BYTES);
  if (room >= tailBytes) return { offset: position, isDisplaced: false };
  const moved = position + alignUp(room, SLOT_BYTES);
  const roomThere = BLOCK_BYTES - ((moved + fixedBytes) % BLOCK_BYTES);
  return tailBytes > roomThere ? { offset: nextBlock, isDisplaced: true } : { offset: moved, isDisplaced: false };
}

function tailOf(node: ErofsNode): number {
  if (node.type === "symlink") return node.target.length;
  if (node.type !== "file" || node.sizeBytes === 0) return 0;
  return Math.ceil(node.sizeBytes / 2 ** chunkBits(node.sizeBytes)) * CHUNK_ENTRY_BYTES;
}

/** The smallest chunk that holds the file whole, within what the format allows. */
export function chunkBits(sizeBytes: number): number {
  let bits = MIN_CHUNK_BITS;
  while (bits < MAX_CHUNK_BITS && 2 ** bits < sizeBytes) bits += 1;
  return bits;
}

function fitsCompact(node: ErofsNode, links: number, directoryBytes: number, firstMtimeSeconds: number): boolean {
  const sizeBytes = node.type === "file" ? node.sizeBytes : node.type === "directory" ? directoryBytes : 0;
  const isSmall = links <= 0xffff && node.uid <= 0xffff && node.gid <= 0xffff && sizeBytes <= 0xffffffff;
  return isSmall && node.mtimeSeconds === firstMtimeSeconds;
}
