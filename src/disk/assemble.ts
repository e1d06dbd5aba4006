// A plan and the trees of its file systems become one disk, by reference: nothing is read or written here.
import { ceilDiv, parseUuid } from "../base/bytes/index.ts";
import { type Content, placeContents } from "../base/io/index.ts";
import { type Census, layoutExt4 } from "../formats/ext4/index.ts";
import { layoutGpt } from "../formats/gpt/index.ts";
import { layoutVfat } from "../formats/vfat/index.ts";
import type { DirectoryInode } from "../tree/index.ts";
import type { DiskPlan, PartitionPlan } from "./plan.ts";

export interface DiskTrees {
  readonly esp: DirectoryInode;
  /** What ext4 knows of the tree: taken once, for plan and layout. */
  readonly root: Census;
}

export interface AssembleOptions {
  /** Seed of ext4's directory hash, a UUID. */
  readonly hashSeed: string;
  /** Stamped on file systems: seconds since 1970. */
  readonly epochSeconds: number;
}

export function assembleDisk(plan: DiskPlan, trees: DiskTrees, options: AssembleOptions): Content {
  const table = layoutGpt({
    diskSizeBytes: plan.sizeBytes,
    diskGuid: plan.diskGuid,
    partitions: plan.partitions.map((partition) => ({
      typeGuid: partition.typeGuid,
      guid: partition.guid,
      name: partition.name,
      startLba: partition.startBytes / plan.sectorBytes,
      sizeSectors: ceilDiv(partition.sizeBytes, plan.sectorBytes),
      attributes: BigInt(partition.attributes),
    })),
  });
  const fileSystems = plan.partitions.flatMap((partition) => {
    const content = layoutPartition(partition, plan, trees, options);
    return content === undefined ? [] : [{ at: partition.startBytes, content }];
  });
  return placeContents(plan.sizeBytes, [...table, ...fileSystems]);
}

function layoutPartition(
  partition: PartitionPlan,
  plan: DiskPlan,
  trees: DiskTrees,
  options: AssembleOptions,
): Content | undefined {
  const { sizeBytes, fileSystem } = partition;
  switch (fileSystem?.type) {
    case undefined:
      return undefined;
    case "vfat":
      return layoutVfat(trees.esp, {
        sizeBytes,
        label: fileSystem.label,
        serial: Number.parseInt(fileSystem.uuid, 16),
        hiddenSectors: partition.startBytes / plan.sectorBytes,
      });
    case "ext4":
      return layoutExt4(trees.root, {
        sizeBytes,
        label: fileSystem.label,
        uuid: parseUuid(fileSystem.uuid),
        hashSeed: parseUuid(options.hashSeed),
        epochSeconds: options.epochSeconds,
      });
  }
}
