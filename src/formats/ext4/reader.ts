// A read-only look into an ext4 file system: directories, files by reference, link targets, attributes. Checksums are
// not verified and the journal is not replayed. Refuses files without extents and everything that is out of bounds.
import { type ByteString, bytesToByteString, viewOf } from "../../base/bytes/index.ts";
import { type Content, contentBytes, type Extent, readBytes, type Source } from "../../base/io/index.ts";
import { Ext4Error } from "./errors.ts";
import { EXTENT, FAST_SYMLINK_BYTES, FILE_TYPE, INODE, INODE_FLAG, SUPERBLOCK } from "./format.ts";
import type { FsNode, FsXattr } from "./input.ts";
import { decodeSuperblock, type Ext4Superblock } from "./read-superblock.ts";
import { decodeInlineXattrs, decodeXattrBlock } from "./read-xattrs.ts";

export interface Ext4Inode {
  readonly number: number;
  readonly type: FsNode["type"];
  /** 0…0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly links: number;
  readonly mtimeSeconds: number;
  readonly immutable: boolean;
  readonly hasExtents: boolean;
  /** i_block: 60 bytes. */
  readonly map: Uint8Array;
  readonly xattrBlock: number;
  readonly inlineXattrs: Uint8Array;
}

export interface Ext4Entry {
  readonly name: ByteString;
  readonly inode: number;
}

const MAX_DIRECTORY_BYTES = 512 * 1024 * 1024;
const MAX_EXTENTS = 4_000_000;
/** Blocks of one extent tree: a hostile one refers to the same blocks again and again. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 5;
const TYPES: readonly FsNode["type"][] = ["file", "directory", "symlink", "character", "block", "fifo", "socket"];

export class Ext4Reader {
  readonly superblock: Ext4Superblock;
  readonly #source: Source;

  private constructor(source: Source, superblock: Ext4Superblock) {
    this.#source = source;
    this.superblock = superblock;
  }

  /** Throws NOT_EXT4, UNSUPPORTED, CORRUPT. */
  static async open(source: Source): Promise<Ext4Reader> {
    if (source.sizeBytes < SUPERBLOCK.offset + SUPERBLOCK.size) {
      throw new Ext4Error("NOT_EXT4", `cannot read ext4 superblock: the source has only ${source.sizeBytes} bytes`);
    }
    const bytes = await readBytes(source, SUPERBLOCK.offset, SUPERBLOCK.size);
    return new Ext4Reader(source, decodeSuperblock(bytes));
  }

  root(): Promise<Ext4Inode> {
    return this.inode(INODE.root);
  }

  /** The inode at a path from the root, or undefined. Symbolic links are not followed. */
  async lookup(path: ByteString): Promise<Ext4Inode | undefined> {
    let inode = await this.root();
    for (const name of path.split("/").filter((each) => each !== "")) {
      if (inode.type !== "directory") return undefined;
      const entry = (await this.entries(inode)).find((each) => each.name === name);
      if (entry === undefined) return undefined;
      inode = await this.inode(entry.inode);
    }
    return inode;
  }

  async inode(number: number): Promise<Ext4Inode> {
    const { inodeCount, inodesPerGroup, inodeSize, blockSize, descriptorSize, descriptorsAt } = this.superblock;
    if (!(number >= 1 && number <= inodeCount))
      throw new Ext4Error("CORRUPT", `cannot read inode ${number}: want 1 to ${inodeCount}`);
    const group = Math.floor((number - 1) / inodesPerGroup);
    const descriptor = viewOf(await this.#bytes(descriptorsAt * blockSize + group * descriptorSize, descriptorSize));
    const tableAt =
      descriptor.getUint32(0x08, true) + (descriptorSize >= 64 ? descriptor.getUint32(0x28, true) * 2 ** 32 : 0);
    const bytes = await this.#bytes(tableAt * blockSize + ((number - 1) % inodesPerGroup) * inodeSize, inodeSize);
    return decodeInode(number, bytes);
  }

  /** Names without "." and "..", in the order of the blocks. */
  async entries(directory: Ext4Inode): Promise<Ext4Entry[]> {
    const { blockSize } = this.superblock;
    const bytes = await contentBytes(await this.content(directory), MAX_DIRECTORY_BYTES);
    const view = viewOf(bytes);
    const found: Ext4Entry[] = [];
    for (let at = 0; at + 8 <= bytes.length;) {
      const inode = view.getUint32(at, true);
      const length = view.getUint16(at + 4, true) || blockSize;
      const nameLength = view.getUint8(at + 6);
      if (length < 8 || length % 4 !== 0 || (at % blockSize) + length > blockSize || nameLength > length - 8) {
        throw new Ext4Error(
          "CORRUPT",
          `cannot read directory ${directory.number}: entry at ${at} has ${length} bytes for a name of ${nameLength}`,
        );
      }
      const name = bytesToByteString(bytes.subarray(at + 8, at + 8 + nameLength));
      if (inode !== 0 && name !== "." && name !== "..") found.push({ name, inode });
      at += length;
    }
    return found;
  }

  /** Data of a file, a directory or a long link, by reference. */
  async content(inode: Ext4Inode): Promise<Content> {
    if (!inode.hasExtents)
      throw new Ext4Error("UNSUPPORTED", `cannot read inode ${inode.number}: it is not mapped by extents`);
    const extents: Extent[] = [];
    await this.#collect(inode, inode.map, MAX_DEPTH, { extents, nodesLeft: MAX_NODES });
    return { sizeBytes: inode.sizeBytes, extents };
  }

  async symlinkTarget(inode: Ext4Inode): Promise<ByteString> {
    if (inode.sizeBytes < FAST_SYMLINK_BYTES && !inode.hasExtents)
      return bytesToByteString(inode.map.subarray(0, inode.sizeBytes));
    return bytesToByteString(await contentBytes(await this.content(inode), this.superblock.blockSize));
  }

  /** Sorted by name. */
  async xattrs(inode: Ext4Inode): Promise<FsXattr[]> {
    const { blockSize } = this.superblock;
    const inBlock =
      inode.xattrBlock === 0 ? [] : decodeXattrBlock(await this.#bytes(inode.xattrBlock * blockSize, blockSize));
    return [...decodeInlineXattrs(inode.inlineXattrs), ...inBlock].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #collect(
    inode: Ext4Inode,
    node: Uint8Array,
    depthLeft: number,
    found: { readonly extents: Extent[]; nodesLeft: number },
  ): Promise<void> {
    const { extents } = found;
    const { blockSize } = this.superblock;
    const view = viewOf(node);
    const count = view.getUint16(2, true);
    const depth = view.getUint16(6, true);
    if (
      view.getUint16(0, true) !== EXTENT.magic ||
      depth > depthLeft ||
      found.nodesLeft-- <= 0 ||
      EXTENT.headerSize + count * EXTENT.entrySize > node.length
    ) {
      throw new Ext4Error(
        "CORRUPT",
        `cannot read the extents of inode ${inode.number}: depth ${depth}, ${count} entries`,
      );
    }
    for (let at = EXTENT.headerSize; at < EXTENT.headerSize + count * EXTENT.entrySize; at += EXTENT.entrySize) {
      if (depth > 0) {
        const block = view.getUint32(at + 4, true) + view.getUint16(at + 8, true) * 2 ** 32;
        await this.#collect(inode, await this.#bytes(block * blockSize, blockSize), depth - 1, found);
        continue;
      }
      const length = view.getUint16(at + 4, true);
      // Longer ones are allocated but not written: they read as zeros.
      if (length > EXTENT.maxBlocks) continue;
      const start = view.getUint32(at, true) * blockSize;
      const physical = (view.getUint32(at + 8, true) + view.getUint16(at + 6, true) * 2 ** 32) * blockSize;
      const last = extents.at(-1);
      if ((last !== undefined && start < last.at + last.length) || extents.length === MAX_EXTENTS) {
        throw new Ext4Error(
          "CORRUPT",
          `cannot read the extents of inode ${inode.number}: they overlap or are more than ${MAX_EXTENTS}`,
        );
      }
      const bytes = Math.min(length * blockSize, inode.sizeBytes - start);
      if (bytes > 0) extents.push({ at: start, length: bytes, source: this.#source, sourceOffset: physical });
    }
  }

  #bytes(offset: number, length: number): Promise<Uint8Array> {
    return readBytes(this.#source, offset, length);
  }
}

function decodeInode(number: number, bytes: Uint8Array): Ext4Inode {
  const view = viewOf(bytes);
  const mode = view.getUint16(0x00, true);
  const permissions = mode % 0o10000;
  const type = TYPES.find((each) => FILE_TYPE[each].mode === mode - permissions);
  if (type === undefined)
    throw new Ext4Error("CORRUPT", `cannot read inode ${number}: its mode is 0o${mode.toString(8)}`);
  const extraSize = bytes.length > 128 ? view.getUint16(0x80, true) : 0;
  const flags = view.getUint32(0x20, true);
  const epoch = extraSize >= 0x0c ? view.getUint32(0x88, true) % 4 : 0;
  return {
    number,
    type,
    mode: permissions,
    uid: view.getUint16(0x02, true) + view.getUint16(0x78, true) * 65_536,
    gid: view.getUint16(0x18, true) + view.getUint16(0x7a, true) * 65_536,
    sizeBytes: view.getUint32(0x04, true) + view.getUint32(0x6c, true) * 2 ** 32,
    links: view.getUint16(0x1a, true),
    mtimeSeconds: view.getInt32(0x10, true) + epoch * 2 ** 32,
    immutable: (flags & INODE_FLAG.immutable) !== 0,
    hasExtents: (flags & INODE_FLAG.extents) !== 0,
    map: bytes.slice(0x28, 0x64),
    xattrBlock: view.getUint32(0x68, true) + view.getUint16(0x76, true) * 2 ** 32,
    inlineXattrs: bytes.slice(Math.min(128 + extraSize, bytes.length)),
  };
}
