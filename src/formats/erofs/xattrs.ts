// Extended attributes in an EROFS image (docs/formats/composefs.md): pairs that occur more than once in the image are
// stored once, in a shared area; each inode has a bloom filter of its names, the shared ids, then its own entries.
import {
  alignUp,
  type ByteString,
  byteStringToBytes,
  bytesToByteString,
  compareByteStrings,
} from "../../base/bytes/index.ts";
import { ErofsError } from "./errors.ts";
import {
  MAX_SHARED_XATTRS,
  XATTR_ENTRY_BYTES,
  XATTR_FILTER_SEED,
  XATTR_HEADER_BYTES,
  XATTR_PREFIXES,
} from "./format.ts";
import type { ErofsNode, ErofsXattr } from "./node.ts";
import { xxh32 } from "./xxh32.ts";

interface SplitName {
  readonly index: number;
  readonly suffix: Uint8Array;
}

const splitNames = new Map<ByteString, SplitName>();

function splitName(name: ByteString): SplitName {
  let split = splitNames.get(name);
  if (split === undefined) {
    const known = XATTR_PREFIXES.find(({ prefix, exact }) =>
      exact === true ? name === prefix : name.startsWith(prefix),
    );
    split = { index: known?.index ?? 0, suffix: byteStringToBytes(name.slice(known?.prefix.length ?? 0)) };
    if (splitNames.size < 10_000) splitNames.set(name, split);
  }
  return split;
}

/** The bit of the name filter that a name clears. */
export function filterBit(name: ByteString): number {
  const { index, suffix } = splitName(name);
  return xxh32(suffix, XATTR_FILTER_SEED + index) & 31;
}

function entryBytes({ name, value }: ErofsXattr): number {
  return alignUp(XATTR_ENTRY_BYTES + splitName(name).suffix.length + value.length, 4);
}

function writeEntry(image: Buffer, at: number, { name, value }: ErofsXattr): void {
  const { index, suffix } = splitName(name);
  image[at] = suffix.length;
  image[at + 1] = index;
  image.writeUInt16LE(value.length, at + 2);
  image.set(suffix, at + XATTR_ENTRY_BYTES);
  image.set(value, at + XATTR_ENTRY_BYTES + suffix.length);
}

/** Where an inode's xattrs stand. */
interface Placed {
  readonly shared: readonly ErofsXattr[];
  readonly own: readonly ErofsXattr[];
  /** 0 without xattrs. */
  readonly bytes: number;
}

const NONE: Placed = { shared: [], own: [], bytes: 0 };

function keyOf({ name, value }: ErofsXattr): string {
  return `${name}\0${bytesToByteString(value)}`;
}

/** The xattrs of a whole image: decides what is shared, then sizes and writes. */
export class XattrTable {
  /** Shared pair → offset in the shared area. */
  readonly #shared = new Map<string, number>();
  readonly #order: readonly ErofsXattr[];
  readonly sharedBytes: number;

  /** Throws LIMIT for names and values that the format cannot hold. */
  constructor(nodes: readonly ErofsNode[]) {
    const uses = new Map<string, { readonly xattr: ErofsXattr; count: number }>();
    for (const node of nodes) {
      for (const xattr of node.xattrs) {
        checkSize(xattr);
        const key = keyOf(xattr);
        const use = uses.get(key);
        if (use === undefined) uses.set(key, { xattr, count: 1 });
        else use.count += 1;
      }
    }
    this.#order = [...uses.values()]
      .filter(({ count }) => count > 1)
      .map(({ xattr }) => xattr)
      .sort(sharedOrder);
    let offset = 0;
    for (const xattr of this.#order) {
      this.#shared.set(keyOf(xattr), offset);
      offset += entryBytes(xattr);
    }
    this.sharedBytes = offset;
  }

  place({ xattrs }: ErofsNode): Placed {
    if (xattrs.length === 0) return NONE;
    const shared: ErofsXattr[] = [];
    const own: ErofsXattr[] = [];
    for (const xattr of xattrs) {
      if (shared.length < MAX_SHARED_XATTRS && this.#shared.has(keyOf(xattr))) shared.push(xattr);
      else own.push(xattr);
    }
    const bytes = XATTR_HEADER_BYTES + 4 * shared.length + own.reduce((sum, xattr) => sum + entryBytes(xattr), 0);
    return { shared, own, bytes };
  }

  /** `sharedBase`: offset of the shared area from the block that it begins in. */
  writeInode(image: Buffer, at: number, { shared, own, bytes }: Placed, sharedBase: number): void {
    if (bytes === 0) return;
    let filter = 0;
    for (const { name } of [...shared, ...own]) filter |= 1 << filterBit(name);
    image.writeUInt32LE(~filter >>> 0, at);
    image[at + 4] = shared.length;
    let position = at + XATTR_HEADER_BYTES;
    for (const xattr of shared) {
      image.writeUInt32LE((sharedBase + (this.#shared.get(keyOf(xattr)) ?? 0)) / 4, position);
      position += 4;
    }
    for (const xattr of own) {
      writeEntry(image, position, xattr);
      position += entryBytes(xattr);
    }
  }

  writeShared(image: Buffer, start: number): void {
    for (const xattr of this.#order) writeEntry(image, start + (this.#shared.get(keyOf(xattr)) ?? 0), xattr);
  }
}

/** Names descending, then longer values first, then values descending. */
function sharedOrder(a: ErofsXattr, b: ErofsXattr): number {
  return compareByteStrings(b.name, a.name) || b.value.length - a.value.length || Buffer.compare(b.value, a.value);
}

function checkSize({ name, value }: ErofsXattr): void {
  if (splitName(name).suffix.length > 255 || value.length > 65535) {
    throw new ErofsError(
      "LIMIT",
      `cannot store an extended attribute with a name of ${name.length} and a value of ${value.length} bytes in EROFS`,
    );
  }
}
