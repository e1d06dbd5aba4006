// An uncompressed qcow2 file, planned before a byte is read: which clusters hold data follows from the extents of the
// Content, so all tables come first and data follows in disk order. The file is written (and hashed) front to back.
import { alignUp, viewOf } from "../../base/bytes/index.ts";
import { type Content, dataRuns } from "../../base/io/index.ts";
import { CLUSTER_BYTES, COPIED, L2_ENTRIES, REFCOUNTS_PER_BLOCK, SECTOR_BYTES } from "./format.ts";
import { encodeHeader } from "./header.ts";
import { clusterOffsets, clustersFor, encodeL1, encodeOffsets, l1EntriesFor, refcountClustersFor } from "./tables.ts";

/** Consecutive clusters of the disk that lie as consecutive clusters in the file. */
interface ClusterRun {
  readonly guestCluster: number;
  readonly count: number;
  readonly hostCluster: number;
}

export interface Qcow2Plan {
  /** Disk size, rounded up to whole sectors. */
  readonly virtualSizeBytes: number;
  readonly fileSizeBytes: number;
  /** Where data starts; tables lie before it. Data clusters follow each other in disk order. */
  readonly dataOffset: number;
  readonly dataClusters: number;
  /** Header and tables in file order, as pieces of whole clusters; together `dataOffset` bytes. */
  metadata(): Generator<Uint8Array>;
}

export function planQcow2(content: Content): Qcow2Plan {
  const virtualSizeBytes = alignUp(content.sizeBytes, SECTOR_BYTES);
  const guestRuns = dataRuns(content, CLUSTER_BYTES).map(({ at, length }) => ({
    guestCluster: at / CLUSTER_BYTES,
    count: length / CLUSTER_BYTES,
  }));
  const dataClusters = guestRuns.reduce((sum, run) => sum + run.count, 0);
  const l1Entries = l1EntriesFor(virtualSizeBytes);
  const l2Indexes = usedL2Tables(guestRuns);

  const l1Cluster = 1;
  const refcountTableCluster = l1Cluster + clustersFor(l1Entries * 8);
  const { blocks, tableClusters } = refcountClustersFor(refcountTableCluster + l2Indexes.length + dataClusters);
  const refcountBlockCluster = refcountTableCluster + tableClusters;
  const l2Cluster = refcountBlockCluster + blocks;
  const dataCluster = l2Cluster + l2Indexes.length;
  const totalClusters = dataCluster + dataClusters;

  let hostCluster = dataCluster;
  const runs = guestRuns.map((run) => {
    const placed = { ...run, hostCluster };
    hostCluster += run.count;
    return placed;
  });

  function* metadata(): Generator<Uint8Array> {
    const header = new Uint8Array(CLUSTER_BYTES);
    header.set(
      encodeHeader({
        virtualSizeBytes,
        l1Entries,
        l1Offset: l1Cluster * CLUSTER_BYTES,
        refcountTableOffset: refcountTableCluster * CLUSTER_BYTES,
        refcountTableClusters: tableClusters,
        compression: "zlib",
      }),
    );
    yield header;
    const l2Offsets = Array.from({ length: l1Entries }, () => 0);
    for (const [index, l2Index] of l2Indexes.entries()) l2Offsets[l2Index] = (l2Cluster + index) * CLUSTER_BYTES;
    yield encodeL1(l2Offsets);
    yield encodeOffsets(clusterOffsets(refcountBlockCluster, blocks), 0n);
    for (let block = 0; block < blocks; block++)
      yield encodeRefcountsOfOne(totalClusters - block * REFCOUNTS_PER_BLOCK);
    yield* encodeL2Tables(runs, l2Indexes);
  }

  return {
    virtualSizeBytes,
    fileSizeBytes: totalClusters * CLUSTER_BYTES,
    dataOffset: dataCluster * CLUSTER_BYTES,
    dataClusters,
    metadata,
  };
}

/** Indexes of the L2 tables that have an entry, ascending. */
function usedL2Tables(runs: readonly { guestCluster: number; count: number }[]): number[] {
  const used: number[] = [];
  for (const { guestCluster, count } of runs) {
    const last = Math.floor((guestCluster + count - 1) / L2_ENTRIES);
    const first = Math.max(Math.floor(guestCluster / L2_ENTRIES), (used.at(-1) ?? -1) + 1);
    for (let index = first; index <= last; index++) used.push(index);
  }
  return used;
}

function* encodeL2Tables(runs: readonly ClusterRun[], l2Indexes: readonly number[]): Generator<Uint8Array> {
  let next = 0;
  for (const l2Index of l2Indexes) {
    const table = new Uint8Array(CLUSTER_BYTES);
    const view = viewOf(table);
    const first = l2Index * L2_ENTRIES;
    const end = first + L2_ENTRIES;
    for (let index = next; index < runs.length; index++) {
      const run = runs[index] as ClusterRun;
      if (run.guestCluster >= end) break;
      const to = Math.min(run.guestCluster + run.count, end);
      for (let cluster = Math.max(run.guestCluster, first); cluster < to; cluster++) {
        const host = (run.hostCluster + (cluster - run.guestCluster)) * CLUSTER_BYTES;
        view.setBigUint64((cluster - first) * 8, BigInt(host) | COPIED);
      }
      if (run.guestCluster + run.count <= end) next = index + 1;
    }
    yield table;
  }
}

/** A block whose first `count` clusters (at most all) are referenced once. */
function encodeRefcountsOfOne(count: number): Uint8Array {
  const block = new Uint8Array(CLUSTER_BYTES);
  for (let index = 0; index < Math.min(count, REFCOUNTS_PER_BLOCK); index++) block[index * 2 + 1] = 1;
  return block;
}
