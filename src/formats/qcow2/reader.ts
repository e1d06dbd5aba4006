// Reads a qcow2 file (version 2 or 3) as a Content: plain clusters by reference into the file, compressed ones
// decompressed when read. Refused: backing files, external data files, encryption, extended L2 entries, the corrupt
// mark, unknown incompatible features; tables that lie outside the file. Internal snapshots are not looked at.
import { viewOf } from "../../base/bytes/index.ts";
import { type Content, type Extent, readBytes, type Source } from "../../base/io/index.ts";
import { CompressedClusters } from "./compressed-clusters.ts";
import { Qcow2Error } from "./error.ts";
import { COMPRESSED, INCOMPATIBLE, OFFSET_MASK, READS_ZERO } from "./format.ts";
import { type Qcow2Header, decodeHeader } from "./header.ts";

/** More extents than this and a hostile file would fill the memory. A disk of 1 TiB without one pair of neighbours has them. */
const MAX_EXTENTS = 16_777_216;
/** Nor do so few bytes of a file hold a cluster: a small file whose tables name one cluster over and over. */
const MIN_CLUSTER_DATA_BYTES = 16;

export interface Qcow2Disk {
  readonly header: Qcow2Header;
  /** The disk; valid as long as the file is open. */
  readonly content: Content;
}

/** Throws Qcow2Error NOT_QCOW2, UNSUPPORTED, CORRUPT, LIMIT; broken compressed data only when it is read. */
export async function readQcow2(file: Source): Promise<Qcow2Disk> {
  const header = await readHeader(file);
  const { clusterBytes, virtualSizeBytes } = header;
  const l2Entries = clusterBytes / 8;
  const l1 = viewOf(await readTable(file, "the L1 table", header.l1Offset, header.l1Entries * 8));
  const builder = new ExtentBuilder(file, header);
  const tables = Math.min(header.l1Entries, Math.ceil(virtualSizeBytes / clusterBytes / l2Entries));
  for (let l1Index = 0; l1Index < tables; l1Index++) {
    const l2Offset = Number(l1.getBigUint64(l1Index * 8) & OFFSET_MASK);
    if (l2Offset === 0) continue;
    const l2 = viewOf(await readTable(file, `L2 table ${l1Index}`, l2Offset, clusterBytes));
    for (let index = 0; index < l2Entries; index++) {
      const entry = l2.getBigUint64(index * 8);
      const at = (l1Index * l2Entries + index) * clusterBytes;
      if (entry !== 0n && at < virtualSizeBytes) builder.add(at, entry);
    }
  }
  return { header, content: { sizeBytes: virtualSizeBytes, extents: builder.extents } };
}

async function readHeader(file: Source): Promise<Qcow2Header> {
  const header = decodeHeader(await readBytes(file, 0, Math.min(file.sizeBytes, 512)));
  const refused: [bigint, string][] = [
    [INCOMPATIBLE.corrupt, "it is marked corrupt"],
    [INCOMPATIBLE.externalData, "its data is in another file"],
    [INCOMPATIBLE.extendedL2, "it has extended L2 entries"],
  ];
  const known = INCOMPATIBLE.dirty | INCOMPATIBLE.compressionType;
  const reason =
    refused.find(([bit]) => (header.incompatible & bit) !== 0n)?.[1] ??
    ((header.incompatible & ~known) !== 0n
      ? `it has unknown features 0x${header.incompatible.toString(16)}`
      : undefined) ??
    (header.hasBackingFile ? "it stands on a backing file" : undefined) ??
    (header.isEncrypted ? "it is encrypted" : undefined);
  if (reason !== undefined) {
    throw new Qcow2Error("UNSUPPORTED", `cannot read the qcow2 file: ${reason}`, {
      hint: "Convert it with `qemu-img convert -O qcow2` first",
    });
  }
  return header;
}

async function readTable(file: Source, what: string, offset: number, length: number): Promise<Uint8Array> {
  if (offset % 512 !== 0 || offset + length > file.sizeBytes) {
    throw new Qcow2Error(
      "CORRUPT",
      `cannot read the qcow2 file: ${what} lies at offset ${offset}, ${length} bytes, in a file of ${file.sizeBytes}`,
    );
  }
  return readBytes(file, offset, length);
}

/** Turns L2 entries into extents; neighbours in the disk that are neighbours in the file become one. */
class ExtentBuilder {
  readonly extents: Extent[] = [];
  readonly #file: Source;
  readonly #header: Qcow2Header;
  readonly #compressed: CompressedClusters;

  constructor(file: Source, header: Qcow2Header) {
    this.#file = file;
    this.#header = header;
    this.#compressed = new CompressedClusters(file, header.clusterBytes, header.compression);
  }

  add(at: number, entry: bigint): void {
    const { clusterBytes, virtualSizeBytes } = this.#header;
    const length = Math.min(clusterBytes, virtualSizeBytes - at);
    if ((entry & COMPRESSED) !== 0n) {
      this.#push({ at, length, source: this.#compressed.sourceOf(entry), sourceOffset: 0 });
      return;
    }
    const offset = Number(entry & OFFSET_MASK);
    if (offset === 0 || (entry & READS_ZERO) !== 0n) return;
    if (offset % clusterBytes !== 0 || offset >= this.#file.sizeBytes) {
      throw new Qcow2Error(
        "CORRUPT",
        `cannot read the qcow2 file: the cluster of disk offset ${at} lies at offset ${offset}`,
      );
    }
    // The last cluster of a file may be cut short; what is missing reads as zeros.
    this.#addPlain(at, Math.min(length, this.#file.sizeBytes - offset), offset);
  }

  #addPlain(at: number, length: number, offset: number): void {
    const last = this.extents.at(-1);
    if (last?.source === this.#file && last.at + last.length === at && last.sourceOffset + last.length === offset) {
      this.extents[this.extents.length - 1] = { ...last, length: last.length + length };
    } else this.#push({ at, length, source: this.#file, sourceOffset: offset });
  }

  #push(extent: Extent): void {
    const limit = Math.min(MAX_EXTENTS, Math.ceil(this.#file.sizeBytes / MIN_CLUSTER_DATA_BYTES));
    if (this.extents.length >= limit) {
      throw new Qcow2Error("LIMIT", `cannot read the qcow2 file: it is in more than ${limit} pieces`);
    }
    this.extents.push(extent);
  }
}
