// How a FAT32 volume of a given size is divided: cluster size by the table of the FAT paper, the length of the FATs,
// and where data starts (on a 4 KiB boundary). Refuses what would be FAT16 by its cluster count, and over 2 TiB.
import { alignUp, ceilDiv } from "../../base/bytes/index.ts";
import { VfatError } from "./error.ts";
import { CLUSTER_SIZES, FAT_COPIES, MAX_SECTORS, MIN_CLUSTERS, RESERVED_SECTORS, SECTOR_BYTES } from "./format.ts";

export interface FatGeometry {
  readonly totalSectors: number;
  readonly sectorsPerCluster: number;
  readonly clusterBytes: number;
  /** Sectors of one FAT. */
  readonly fatSectors: number;
  readonly dataOffsetBytes: number;
  readonly clusterCount: number;
}

/** Smallest volume that is FAT32. */
export const MIN_VOLUME_BYTES: number = minimumVolumeBytes();

/** Throws VfatError BAD_SIZE. */
export function fatGeometry(sizeBytes: number): FatGeometry {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes % SECTOR_BYTES !== 0 || sizeBytes / SECTOR_BYTES > MAX_SECTORS) {
    throw new VfatError(
      "BAD_SIZE",
      `cannot lay out FAT32 on ${sizeBytes} bytes: want a multiple of ${SECTOR_BYTES} below 2 TiB`,
    );
  }
  const geometry = divide(sizeBytes);
  if (geometry.clusterCount < MIN_CLUSTERS) {
    throw new VfatError(
      "BAD_SIZE",
      `cannot lay out FAT32 on ${sizeBytes} bytes: it starts at ${MIN_VOLUME_BYTES} bytes`,
      {
        hint: `Give the partition at least ${ceilDiv(MIN_VOLUME_BYTES, 2 ** 20)} MiB`,
        data: { sizeBytes, minimumBytes: MIN_VOLUME_BYTES },
      },
    );
  }
  return geometry;
}

function divide(sizeBytes: number): FatGeometry {
  const totalSectors = sizeBytes / SECTOR_BYTES;
  const sectorsPerCluster = CLUSTER_SIZES.find(({ belowBytes }) => sizeBytes < belowBytes)?.sectors ?? 64;
  // One FAT sector describes 128 clusters and comes in each copy; a little too long by this formula, never too short.
  const fatSectors = alignUp(
    ceilDiv(totalSectors - RESERVED_SECTORS + 2 * sectorsPerCluster, 128 * sectorsPerCluster + FAT_COPIES),
    8,
  );
  const dataSector = RESERVED_SECTORS + FAT_COPIES * fatSectors;
  return {
    totalSectors,
    sectorsPerCluster,
    clusterBytes: sectorsPerCluster * SECTOR_BYTES,
    fatSectors,
    dataOffsetBytes: dataSector * SECTOR_BYTES,
    clusterCount: Math.floor((totalSectors - dataSector) / sectorsPerCluster),
  };
}

function minimumVolumeBytes(): number {
  let sizeBytes = MIN_CLUSTERS * SECTOR_BYTES;
  while (divide(sizeBytes).clusterCount < MIN_CLUSTERS) sizeBytes += SECTOR_BYTES;
  return sizeBytes;
}
