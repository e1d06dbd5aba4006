// Directory content in an EROFS image: blocks of entries, names behind them (docs/formats/composefs.md).
import { type ByteString, byteStringToBytes } from "../../base/bytes/index.ts";
import { BLOCK_BYTES, DIRENT_BYTES, DIRENT_TYPE, MAX_DIRECTORY_TAIL, SLOT_BYTES } from "./format.ts";
import type { ErofsNode } from "./node.ts";

export interface DirectoryEntry {
  readonly name: ByteString;
  /** Position in the list of inodes. */
  readonly inode: number;
  readonly type: ErofsNode["type"];
}

export interface DirectoryBlocks {
  /** Entries of each whole block. */
  readonly blocks: readonly (readonly DirectoryEntry[])[];
  readonly tail: readonly DirectoryEntry[];
  readonly tailBytes: number;
}

/** Splits sorted entries into blocks; a short last part becomes the tail. */
export function splitDirectory(entries: readonly DirectoryEntry[]): DirectoryBlocks {
  const blocks: DirectoryEntry[][] = [];
  let part: DirectoryEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = DIRENT_BYTES + entry.name.length;
    if (bytes + size > BLOCK_BYTES) {
      blocks.push(part);
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += size;
  }
  if (bytes <= MAX_DIRECTORY_TAIL) return { blocks, tail: part, tailBytes: bytes };
  return { blocks: [...blocks, part], tail: [], tailBytes: 0 };
}

/** Writes one block or tail. `offsets`: where each inode stands in the image. */
export function writeEntries(
  image: Buffer,
  start: number,
  entries: readonly DirectoryEntry[],
  offsets: Float64Array,
): void {
  let nameOffset = entries.length * DIRENT_BYTES;
  for (const [index, { name, inode, type }] of entries.entries()) {
    const at = start + index * DIRENT_BYTES;
    image.writeBigUInt64LE(BigInt((offsets[inode] ?? 0) / SLOT_BYTES), at);
    image.writeUInt16LE(nameOffset, at + 8);
    image[at + 10] = DIRENT_TYPE[type];
    image.set(byteStringToBytes(name), start + nameOffset);
    nameOffset += name.length;
  }
}
