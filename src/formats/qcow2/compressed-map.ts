// Where the clusters of a compressed qcow2 file go: compressed ones are packed byte after byte (docs/interop/qcow2.rst,
// "Compressed Clusters Descriptor"), plain ones take a cluster. Sizes are known only as data goes by, so tables follow
// data. Reference counts are exact: a cluster of the file counts once for each piece that touches it.
import { viewOf } from "../../base/bytes/index.ts";
import { Qcow2Error } from "./error.ts";
import {
  CLUSTER_BITS,
  CLUSTER_BYTES,
  COMPRESSED,
  COPIED,
  L2_ENTRIES,
  MAX_REFCOUNT,
  type Qcow2Compression,
  REFCOUNTS_PER_BLOCK,
  SECTOR_BYTES,
} from "./format.ts";
import { encodeHeader } from "./header.ts";
import { clusterOffsets, clustersFor, encodeL1, encodeOffsets, l1EntriesFor, refcountClustersFor } from "./tables.ts";

/** Bits of a compressed descriptor that are the offset; the count of further sectors lies above. */
const OFFSET_BITS = BigInt(62 - (CLUSTER_BITS - 8));

export interface FilePiece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Call `placeCompressed` or `placePlain` for each cluster that holds data, in disk order; then `finish` once. */
export class CompressedMap {
  readonly #virtualSizeBytes: number;
  readonly #compression: Qcow2Compression;
  readonly #l2Tables = new Map<number, Uint8Array>();
  #refcounts = new Uint16Array(4096);
  /** First cluster of the file that nobody uses. The header has cluster 0. */
  #nextCluster = 1;
  /** Where the next compressed piece may start: inside a cluster that has room, or at its end. */
  #openOffset = 0;

  constructor(virtualSizeBytes: number, compression: Qcow2Compression) {
    this.#virtualSizeBytes = virtualSizeBytes;
    this.#compression = compression;
  }

  /** File offset for a compressed cluster of `length` bytes (less than a cluster). */
  placeCompressed(guestCluster: number, length: number): number {
    const room = (CLUSTER_BYTES - (this.#openOffset % CLUSTER_BYTES)) % CLUSTER_BYTES;
    const mayGrow = this.#openOffset + room === this.#nextCluster * CLUSTER_BYTES;
    const isShared = room > 0 && this.#refcountAt(this.#openOffset) < MAX_REFCOUNT;
    if (!isShared || (length > room && !mayGrow)) this.#openOffset = this.#nextCluster * CLUSTER_BYTES;
    const offset = this.#openOffset;
    this.#openOffset += length;
    const lastSector = Math.floor((offset + length - 1) / SECTOR_BYTES);
    const furtherSectors = lastSector - Math.floor(offset / SECTOR_BYTES);
    const lastCluster = Math.floor((offset + length - 1) / CLUSTER_BYTES);
    for (let cluster = Math.floor(offset / CLUSTER_BYTES); cluster <= lastCluster; cluster++)
      this.#addReference(cluster);
    this.#nextCluster = Math.max(this.#nextCluster, lastCluster + 1);
    this.#setEntry(guestCluster, COMPRESSED | (BigInt(furtherSectors) << OFFSET_BITS) | BigInt(offset));
    return offset;
  }

  /** File offset for a cluster that is stored as it is. */
  placePlain(guestCluster: number): number {
    const offset = this.#nextCluster * CLUSTER_BYTES;
    this.#addReference(this.#nextCluster);
    this.#nextCluster++;
    this.#setEntry(guestCluster, COPIED | BigInt(offset));
    return offset;
  }

  /** L2 tables, L1 table, reference counts, and at last the header: in the order to write them. */
  *finish(): Generator<FilePiece> {
    const l1Entries = l1EntriesFor(this.#virtualSizeBytes);
    const l2Indexes = [...this.#l2Tables.keys()].sort((a, b) => a - b);
    const l2Cluster = this.#nextCluster;
    const l1Cluster = l2Cluster + l2Indexes.length;
    const refcountTableCluster = l1Cluster + clustersFor(l1Entries * 8);
    const { blocks, tableClusters } = refcountClustersFor(refcountTableCluster);
    const refcountBlockCluster = refcountTableCluster + tableClusters;
    const totalClusters = refcountBlockCluster + blocks;
    this.#addReference(0);
    for (let cluster = l2Cluster; cluster < totalClusters; cluster++) this.#addReference(cluster);

    const l2Offsets = Array.from({ length: l1Entries }, () => 0);
    for (const [index, l2Index] of l2Indexes.entries()) {
      const offset = (l2Cluster + index) * CLUSTER_BYTES;
      l2Offsets[l2Index] = offset;
      yield { offset, bytes: this.#l2Tables.get(l2Index) as Uint8Array };
    }
    yield { offset: l1Cluster * CLUSTER_BYTES, bytes: encodeL1(l2Offsets) };
    yield {
      offset: refcountTableCluster * CLUSTER_BYTES,
      bytes: encodeOffsets(clusterOffsets(refcountBlockCluster, blocks), 0n),
    };
    for (let block = 0; block < blocks; block++) {
      yield { offset: (refcountBlockCluster + block) * CLUSTER_BYTES, bytes: this.#encodeRefcounts(block) };
    }
    const header = encodeHeader({
      virtualSizeBytes: this.#virtualSizeBytes,
      l1Entries,
      l1Offset: l1Cluster * CLUSTER_BYTES,
      refcountTableOffset: refcountTableCluster * CLUSTER_BYTES,
      refcountTableClusters: tableClusters,
      compression: this.#compression,
    });
    yield { offset: 0, bytes: header };
  }

  #setEntry(guestCluster: number, entry: bigint): void {
    const l2Index = Math.floor(guestCluster / L2_ENTRIES);
    let table = this.#l2Tables.get(l2Index);
    if (table === undefined) {
      table = new Uint8Array(CLUSTER_BYTES);
      this.#l2Tables.set(l2Index, table);
    }
    viewOf(table).setBigUint64((guestCluster % L2_ENTRIES) * 8, entry);
  }

  #refcountAt(offset: number): number {
    return this.#refcounts[Math.floor(offset / CLUSTER_BYTES)] ?? 0;
  }

  #addReference(cluster: number): void {
    if (cluster >= this.#refcounts.length) {
      const grown = new Uint16Array(Math.max(this.#refcounts.length * 2, cluster + 1));
      grown.set(this.#refcounts);
      this.#refcounts = grown;
    }
    const count = (this.#refcounts[cluster] ?? 0) + 1;
    if (count > MAX_REFCOUNT)
      throw new Qcow2Error("LIMIT", `cannot share cluster ${cluster} more than ${MAX_REFCOUNT} times`);
    this.#refcounts[cluster] = count;
  }

  #encodeRefcounts(block: number): Uint8Array {
    const bytes = new Uint8Array(CLUSTER_BYTES);
    const view = viewOf(bytes);
    const counts = this.#refcounts.subarray(block * REFCOUNTS_PER_BLOCK, (block + 1) * REFCOUNTS_PER_BLOCK);
    for (const [index, count] of counts.entries()) view.setUint16(index * 2, count);
    return bytes;
  }
}
