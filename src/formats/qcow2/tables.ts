// The tables of a qcow2 file: how many clusters they take and what they hold.
import { ceilDiv, viewOf } from "../../base/bytes/index.ts";
import { CLUSTER_BYTES, COPIED, L2_ENTRIES, REFCOUNTS_PER_BLOCK } from "./format.ts";

/** Entries of the L1 table: one for each 512 MiB of disk. */
export function l1EntriesFor(virtualSizeBytes: number): number {
  return ceilDiv(virtualSizeBytes, CLUSTER_BYTES * L2_ENTRIES);
}

export function clustersFor(bytes: number): number {
  return ceilDiv(bytes, CLUSTER_BYTES);
}

export interface RefcountClusters {
  readonly blocks: number;
  readonly tableClusters: number;
}

/** Clusters for the reference counts of `otherClusters` and of themselves. */
export function refcountClustersFor(otherClusters: number): RefcountClusters {
  let blocks = 0;
  let tableClusters = 0;
  for (;;) {
    const wanted = ceilDiv(otherClusters + blocks + tableClusters, REFCOUNTS_PER_BLOCK);
    const wantedTable = clustersFor(wanted * 8);
    if (wanted === blocks && wantedTable === tableClusters) return { blocks, tableClusters };
    blocks = wanted;
    tableClusters = wantedTable;
  }
}

/** A table of 64-bit offsets, whole clusters long; entry i of `offsets` is 0 for "nothing there". */
export function encodeOffsets(offsets: readonly number[], flag: bigint): Uint8Array {
  const bytes = new Uint8Array(clustersFor(offsets.length * 8) * CLUSTER_BYTES);
  const view = viewOf(bytes);
  for (const [index, offset] of offsets.entries()) {
    if (offset !== 0) view.setBigUint64(index * 8, BigInt(offset) | flag);
  }
  return bytes;
}

/** An L1 table: the clusters it points at have one reference each. */
export function encodeL1(l2Offsets: readonly number[]): Uint8Array {
  return encodeOffsets(l2Offsets, COPIED);
}

/** `count` file offsets, one cluster apart. */
export function clusterOffsets(firstCluster: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (firstCluster + index) * CLUSTER_BYTES);
}
