// Boot sector (BIOS parameter block of FAT32) and the FSInfo sector behind it.
import { viewOf } from "../../base/bytes/index.ts";
import {
  BACKUP_BOOT_SECTOR,
  BOOT,
  FAT_COPIES,
  FIRST_CLUSTER,
  FSINFO,
  FSINFO_SECTOR,
  MEDIA_FIXED,
  RESERVED_SECTORS,
  SECTOR_BYTES,
} from "./format.ts";
import type { FatGeometry } from "./geometry.ts";

export interface VolumeIdentity {
  /** 11 characters, padded with spaces. */
  readonly label: string;
  /** 32 bits: what Linux shows as UUID=XXXX-XXXX. */
  readonly serial: number;
  /** Sectors before the volume on its disk. */
  readonly hiddenSectors: number;
}

export function encodeBootSector(geometry: FatGeometry, identity: VolumeIdentity): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES);
  const view = viewOf(bytes);
  bytes.set([0xeb, 0x58, 0x90], BOOT.jump);
  writeText(bytes, BOOT.oemName, "SLIPWAY ");
  view.setUint16(BOOT.bytesPerSector, SECTOR_BYTES, true);
  view.setUint8(BOOT.sectorsPerCluster, geometry.sectorsPerCluster);
  view.setUint16(BOOT.reservedSectors, RESERVED_SECTORS, true);
  view.setUint8(BOOT.fatCopies, FAT_COPIES);
  view.setUint8(BOOT.media, MEDIA_FIXED);
  // A made-up geometry that every BIOS accepts; nothing reads it.
  view.setUint16(BOOT.sectorsPerTrack, 63, true);
  view.setUint16(BOOT.heads, 255, true);
  view.setUint32(BOOT.hiddenSectors, identity.hiddenSectors, true);
  view.setUint32(BOOT.totalSectors, geometry.totalSectors, true);
  view.setUint32(BOOT.fatSectors, geometry.fatSectors, true);
  view.setUint32(BOOT.rootCluster, FIRST_CLUSTER, true);
  view.setUint16(BOOT.fsInfoSector, FSINFO_SECTOR, true);
  view.setUint16(BOOT.backupBootSector, BACKUP_BOOT_SECTOR, true);
  view.setUint8(BOOT.driveNumber, 0x80);
  view.setUint8(BOOT.bootSignature, 0x29);
  view.setUint32(BOOT.serial, identity.serial, true);
  writeText(bytes, BOOT.label, identity.label);
  writeText(bytes, BOOT.type, "FAT32   ");
  // For a BIOS that starts it all the same: int 18h ("no bootable disk"), then stand still.
  bytes.set([0xcd, 0x18, 0xeb, 0xfe], BOOT.code);
  view.setUint16(BOOT.signature, 0xaa55, true);
  return bytes;
}

export function encodeFsInfo(freeClusters: number, nextFree: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES);
  const view = viewOf(bytes);
  view.setUint32(FSINFO.lead, 0x41615252, true);
  view.setUint32(FSINFO.structure, 0x61417272, true);
  view.setUint32(FSINFO.freeClusters, freeClusters, true);
  view.setUint32(FSINFO.nextFree, nextFree, true);
  view.setUint32(FSINFO.trail, 0xaa550000, true);
  return bytes;
}

function writeText(bytes: Uint8Array, at: number, text: string): void {
  bytes.set(Buffer.from(text, "latin1"), at);
}
