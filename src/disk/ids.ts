// The identifiers of a disk. Derived from what the disk is made of, so that equal input gives equal bytes; random for
// those who attach one machine's disk to another.
import { randomBytes } from "node:crypto";
import { deriveUuid } from "../base/bytes/index.ts";

export interface DiskIds {
  readonly disk: string;
  readonly biosBootPartition: string;
  readonly espPartition: string;
  /** Eight hex digits. */
  readonly espSerial: string;
  readonly rootPartition: string;
  readonly rootFileSystem: string;
  /** Seed of ext4's directory hash. */
  readonly hashSeed: string;
}

/** `seed` names the input: manifest digest and every option that shapes the disk. */
export function deriveDiskIds(seed: string): DiskIds {
  const id = (purpose: string): string => deriveUuid(seed, purpose);
  return {
    disk: id("disk"),
    biosBootPartition: id("partition BIOS-BOOT"),
    espPartition: id("partition EFI-SYSTEM"),
    espSerial: id("EFI-SYSTEM serial").slice(0, 8),
    rootPartition: id("partition root"),
    rootFileSystem: id("file system root"),
    hashSeed: id("ext4 hash seed"),
  };
}

export function randomDiskIds(): DiskIds {
  return deriveDiskIds(randomBytes(32).toString("hex"));
}
