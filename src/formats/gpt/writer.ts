// Lays out a GUID partition table (UEFI 2.10 section 5.3): protective MBR, header and entries at the front, entries
// and header again at the end. Refuses partitions that overlap, stick out or repeat a GUID, and names over 36 units.
import { crc32 } from "node:zlib";
import { parseUuid, swapGuid, viewOf } from "../../base/bytes/index.ts";
import { type Content, contentOf } from "../../base/io/index.ts";
import { encodeProtectiveMbr } from "../mbr/index.ts";
import { GptError } from "./error.ts";
import {
  BACKUP_SECTORS,
  ENTRIES_SECTORS,
  ENTRY,
  ENTRY_BYTES,
  ENTRY_COUNT,
  FIRST_USABLE_LBA,
  HEADER,
  HEADER_BYTES,
  NAME_UNITS,
  REVISION,
  SECTOR_BYTES,
  SIGNATURE,
} from "./format.ts";

export interface GptPartition {
  readonly typeGuid: string;
  readonly guid: string;
  /** At most 36 UTF-16 units, no NUL. */
  readonly name: string;
  readonly startLba: number;
  readonly sizeSectors: number;
  readonly attributes?: bigint;
}

export interface GptTable {
  /** A multiple of 512. */
  readonly diskSizeBytes: number;
  readonly diskGuid: string;
  /** In the order of their numbers; the first is partition 1. */
  readonly partitions: readonly GptPartition[];
}

/** A part of the disk and where it goes, as `placeContents` takes it. */
export interface GptPiece {
  /** Byte offset on the disk. */
  readonly at: number;
  readonly content: Content;
}

/**
 * The two pieces of a table: protective MBR, header and entries (34 sectors at 0), and the backup (33 sectors at the
 * end). Throws GptError BAD_SIZE, BAD_NAME, BAD_GUID, OUT_OF_RANGE, OVERLAP, LIMIT.
 */
export function layoutGpt(table: GptTable): GptPiece[] {
  checkTable(table);
  const diskSectors = table.diskSizeBytes / SECTOR_BYTES;
  const entries = encodeEntries(table.partitions);
  const lastLba = diskSectors - 1;
  const backupEntriesLba = diskSectors - BACKUP_SECTORS;

  const front = new Uint8Array(FIRST_USABLE_LBA * SECTOR_BYTES);
  front.set(encodeProtectiveMbr(diskSectors), 0);
  front.set(encodeHeader(table, entries, { currentLba: 1, otherLba: lastLba, entriesLba: 2 }), SECTOR_BYTES);
  front.set(entries, 2 * SECTOR_BYTES);

  const back = new Uint8Array(BACKUP_SECTORS * SECTOR_BYTES);
  back.set(entries, 0);
  back.set(
    encodeHeader(table, entries, { currentLba: lastLba, otherLba: 1, entriesLba: backupEntriesLba }),
    ENTRIES_SECTORS * SECTOR_BYTES,
  );
  return [
    { at: 0, content: contentOf(front) },
    { at: backupEntriesLba * SECTOR_BYTES, content: contentOf(back) },
  ];
}

interface HeaderPlace {
  readonly currentLba: number;
  readonly otherLba: number;
  readonly entriesLba: number;
}

function encodeHeader(table: GptTable, entries: Uint8Array, place: HeaderPlace): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  header.set(Buffer.from(SIGNATURE, "latin1"), HEADER.signature);
  view.setUint32(HEADER.revision, REVISION, true);
  view.setUint32(HEADER.headerSize, HEADER_BYTES, true);
  view.setBigUint64(HEADER.currentLba, BigInt(place.currentLba), true);
  view.setBigUint64(HEADER.otherLba, BigInt(place.otherLba), true);
  view.setBigUint64(HEADER.firstUsableLba, BigInt(FIRST_USABLE_LBA), true);
  view.setBigUint64(HEADER.lastUsableLba, BigInt(lastUsableLba(table.diskSizeBytes)), true);
  header.set(guidBytes(table.diskGuid), HEADER.diskGuid);
  view.setBigUint64(HEADER.entriesLba, BigInt(place.entriesLba), true);
  view.setUint32(HEADER.entryCount, ENTRY_COUNT, true);
  view.setUint32(HEADER.entryBytes, ENTRY_BYTES, true);
  view.setUint32(HEADER.entriesCrc, crc32(entries), true);
  // The header's own CRC is taken with its field at zero.
  view.setUint32(HEADER.headerCrc, crc32(header), true);
  return header;
}

function encodeEntries(partitions: readonly GptPartition[]): Uint8Array {
  const entries = new Uint8Array(ENTRY_COUNT * ENTRY_BYTES);
  const view = viewOf(entries);
  for (const [index, partition] of partitions.entries()) {
    const at = index * ENTRY_BYTES;
    entries.set(guidBytes(partition.typeGuid), at + ENTRY.typeGuid);
    entries.set(guidBytes(partition.guid), at + ENTRY.guid);
    view.setBigUint64(at + ENTRY.firstLba, BigInt(partition.startLba), true);
    view.setBigUint64(at + ENTRY.lastLba, BigInt(partition.startLba + partition.sizeSectors - 1), true);
    view.setBigUint64(at + ENTRY.attributes, partition.attributes ?? 0n, true);
    for (let unit = 0; unit < partition.name.length; unit++) {
      view.setUint16(at + ENTRY.name + unit * 2, partition.name.charCodeAt(unit), true);
    }
  }
  return entries;
}

/** The last sector a partition may use on a disk of this size. */
export function lastUsableLba(diskSizeBytes: number): number {
  return Math.floor(diskSizeBytes / SECTOR_BYTES) - BACKUP_SECTORS - 1;
}

function checkTable(table: GptTable): void {
  const { diskSizeBytes, partitions } = table;
  if (!Number.isSafeInteger(diskSizeBytes) || diskSizeBytes % SECTOR_BYTES !== 0) {
    throw new GptError(
      "BAD_SIZE",
      `cannot partition a disk of ${diskSizeBytes} bytes: want a multiple of ${SECTOR_BYTES}`,
    );
  }
  const last = lastUsableLba(diskSizeBytes);
  if (last < FIRST_USABLE_LBA) {
    throw new GptError(
      "BAD_SIZE",
      `cannot partition a disk of ${diskSizeBytes} bytes: the tables alone take 67 sectors`,
    );
  }
  if (partitions.length > ENTRY_COUNT) {
    throw new GptError("LIMIT", `cannot make ${partitions.length} partitions: a table holds ${ENTRY_COUNT}`);
  }
  const guids = new Set([table.diskGuid.toLowerCase()]);
  for (const partition of partitions) checkPartition(partition, last, guids);
  const sorted = partitions.toSorted((a, b) => a.startLba - b.startLba);
  for (const [index, partition] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && partition.startLba + partition.sizeSectors > next.startLba) {
      throw new GptError("OVERLAP", `cannot lay out partitions "${partition.name}" and "${next.name}": they overlap`);
    }
  }
}

function checkPartition(partition: GptPartition, last: number, guids: Set<string>): void {
  const { name, startLba, sizeSectors } = partition;
  if (name.length > NAME_UNITS || name.includes("\0")) {
    throw new GptError(
      "BAD_NAME",
      `cannot name a partition "${name.slice(0, 80)}": want at most ${NAME_UNITS} characters, no NUL`,
    );
  }
  const guid = partition.guid.toLowerCase();
  if (guids.has(guid)) throw new GptError("BAD_GUID", `cannot give partition "${name}" the GUID ${guid}: it is taken`);
  guids.add(guid);
  const whole = Number.isSafeInteger(startLba) && Number.isSafeInteger(sizeSectors);
  if (!whole || sizeSectors < 1 || startLba < FIRST_USABLE_LBA || startLba + sizeSectors - 1 > last) {
    throw new GptError(
      "OUT_OF_RANGE",
      `cannot place partition "${name}" at sector ${startLba}, ${sizeSectors} sectors: usable are ${FIRST_USABLE_LBA} to ${last}`,
    );
  }
}

function guidBytes(guid: string): Uint8Array {
  try {
    return swapGuid(parseUuid(guid));
  } catch (cause) {
    throw new GptError("BAD_GUID", `cannot use "${guid.slice(0, 80)}" as a GUID`, { cause });
  }
}
