// The plan of a disk: everything that is decided before a byte is written, as plain data that --dry-run prints.
// Partition order, names and type GUIDs are those of `bootc install to-disk` (bootc crates/lib/src/install/baseline.rs);
// root comes last so that it can grow.
import { alignUp } from "../base/bytes/index.ts";
import { formatSize } from "../base/size.ts";
import type { Architecture } from "../image/index.ts";
import { DiskError } from "./errors.ts";
import type { DiskIds } from "./ids.ts";

const MIB = 1024 * 1024;
export const SECTOR_BYTES = 512;
/** Every partition starts at a multiple of this, the first one here. */
const GRAIN_BYTES = MIB;
const BIOS_BOOT_BYTES = MIB;
const ESP_BYTES = 512 * MIB;
/** Room for the backup GPT at the end. */
const TAIL_BYTES = MIB;
const ROOT_GRAIN_BYTES = 64 * MIB;
const ROOT_SLACK_BYTES = 512 * MIB;

const BIOS_BOOT_TYPE = "21686148-6449-6e6f-744e-656564454649";
const ESP_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
/** GPT attribute bit 2: legacy BIOS bootable, as bootc sets it. */
const LEGACY_BOOTABLE = 4;

export interface FileSystemPlan {
  readonly type: "vfat" | "ext4";
  readonly label: string;
  /** A UUID; for FAT the 8 hex digits of the volume serial. */
  readonly uuid: string;
}

export interface PartitionPlan {
  readonly name: string;
  readonly role: "bios-boot" | "esp" | "root";
  readonly typeGuid: string;
  readonly guid: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly attributes: number;
  readonly fileSystem?: FileSystemPlan;
}

export interface DiskPlan {
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly diskGuid: string;
  readonly partitions: readonly PartitionPlan[];
}

export interface DiskSizeOptions {
  /** The whole disk; the root partition takes what the others leave. */
  readonly sizeBytes?: number;
  /** The root partition; excludes `sizeBytes`. */
  readonly rootSizeBytes?: number;
}

export interface DiskPlanInput extends DiskSizeOptions {
  readonly architecture: Architecture;
  readonly ids: DiskIds;
  /** Bytes of all file data and metadata that the root file system will hold. */
  readonly contentBytes: number;
  /** The least that the root file system can be. */
  readonly minimalRootBytes: number;
}

/** Throws BAD_OPTION and TOO_SMALL. */
export function planDisk(input: DiskPlanInput): DiskPlan {
  const { ids } = input;
  const fixed: Omit<PartitionPlan, "startBytes">[] = [];
  if (input.architecture.oci === "amd64") {
    fixed.push({
      name: "BIOS-BOOT",
      role: "bios-boot",
      typeGuid: BIOS_BOOT_TYPE,
      guid: ids.biosBootPartition,
      sizeBytes: BIOS_BOOT_BYTES,
      attributes: LEGACY_BOOTABLE,
    });
  }
  fixed.push({
    name: "EFI-SYSTEM",
    role: "esp",
    typeGuid: ESP_TYPE,
    guid: ids.espPartition,
    sizeBytes: ESP_BYTES,
    attributes: 0,
    fileSystem: { type: "vfat", label: "EFI-SYSTEM", uuid: ids.espSerial },
  });
  let startBytes = GRAIN_BYTES;
  const partitions: PartitionPlan[] = [];
  for (const partition of fixed) {
    partitions.push({ ...partition, startBytes });
    startBytes += partition.sizeBytes;
  }
  const rootBytes = rootSize(input, startBytes + TAIL_BYTES);
  partitions.push({
    name: "root",
    role: "root",
    typeGuid: input.architecture.rootPartitionType,
    guid: ids.rootPartition,
    startBytes,
    sizeBytes: rootBytes,
    attributes: 0,
    fileSystem: { type: "ext4", label: "root", uuid: ids.rootFileSystem },
  });
  return { sizeBytes: startBytes + rootBytes + TAIL_BYTES, sectorBytes: SECTOR_BYTES, diskGuid: ids.disk, partitions };
}

function rootSize(input: DiskPlanInput, otherBytes: number): number {
  if (input.sizeBytes !== undefined && input.rootSizeBytes !== undefined) {
    throw new DiskError("BAD_OPTION", "cannot size the disk: both --size and --root-size are given", {
      hint: "Give one of them",
    });
  }
  const asked = input.rootSizeBytes ?? (input.sizeBytes === undefined ? undefined : input.sizeBytes - otherBytes);
  if (asked === undefined) return defaultRootSize(input);
  const size = Math.floor(asked / GRAIN_BYTES) * GRAIN_BYTES;
  if (size < input.minimalRootBytes) {
    const least =
      input.rootSizeBytes === undefined
        ? alignUp(input.minimalRootBytes + otherBytes, GRAIN_BYTES)
        : alignUp(input.minimalRootBytes, GRAIN_BYTES);
    const option = input.rootSizeBytes === undefined ? "--size" : "--root-size";
    throw new DiskError(
      "TOO_SMALL",
      `cannot fit the image: ${option} leaves ${formatSize(Math.max(size, 0))} for the root file system, which needs ${formatSize(input.minimalRootBytes)}`,
      { hint: `Give ${option} ${Math.ceil(least / MIB)}M or more`, data: { minimalBytes: least } },
    );
  }
  return size;
}

/** Content × 1.25 + 512 MiB, rounded up to 64 MiB. */
function defaultRootSize(input: DiskPlanInput): number {
  const wanted = alignUp(Math.ceil(input.contentBytes * 1.25) + ROOT_SLACK_BYTES, ROOT_GRAIN_BYTES);
  return Math.max(wanted, alignUp(input.minimalRootBytes, ROOT_GRAIN_BYTES));
}
