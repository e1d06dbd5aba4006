// Reads a GUID partition table (UEFI 2.10 section 5.3) and believes nothing: signature, both CRCs, sector ranges, caps
// on count and size of entries. The primary table is taken; when it is damaged, the backup in the last sector.
import { crc32 } from "node:zlib";
import { formatUuid, swapGuid, viewOf } from "../../base/bytes/index.ts";
import { readBytes, type Source } from "../../base/io/index.ts";
import { GptError } from "./error.ts";
import {
  ENTRY,
  ENTRY_BYTES,
  HEADER,
  HEADER_BYTES,
  MAX_ENTRY_BYTES,
  MAX_ENTRY_COUNT,
  NAME_UNITS,
  SECTOR_BYTES,
  SIGNATURE,
} from "./format.ts";

export interface ReadPartition {
  /** As in `sda1`: from 1. */
  readonly number: number;
  readonly typeGuid: string;
  readonly guid: string;
  readonly name: string;
  readonly startLba: number;
  readonly sizeSectors: number;
  readonly attributes: bigint;
}

export interface ReadTable {
  readonly diskGuid: string;
  readonly firstUsableLba: number;
  readonly lastUsableLba: number;
  readonly partitions: readonly ReadPartition[];
  /** Which copy was read; "backup" means that the primary one is damaged. */
  readonly from: "primary" | "backup";
}

/** Throws GptError NOT_GPT when neither copy has the signature, CORRUPT or LIMIT when neither is sound. */
export async function readGpt(disk: Source): Promise<ReadTable> {
  const diskSectors = Math.floor(disk.sizeBytes / SECTOR_BYTES);
  if (diskSectors < 3)
    throw new GptError("NOT_GPT", `cannot read a partition table: the disk has ${disk.sizeBytes} bytes`);
  try {
    return await readTable(disk, 1, "primary");
  } catch (primary) {
    if (!(primary instanceof GptError)) throw primary;
    try {
      return await readTable(disk, diskSectors - 1, "backup");
    } catch {
      throw primary;
    }
  }
}

async function readTable(disk: Source, lba: number, from: "primary" | "backup"): Promise<ReadTable> {
  const diskSectors = Math.floor(disk.sizeBytes / SECTOR_BYTES);
  const header = await readBytes(disk, lba * SECTOR_BYTES, SECTOR_BYTES);
  const view = viewOf(header);
  if (Buffer.from(header.subarray(0, 8)).toString("latin1") !== SIGNATURE) {
    throw new GptError("NOT_GPT", `cannot read the ${from} partition table: no "${SIGNATURE}" in sector ${lba}`);
  }
  const headerSize = view.getUint32(HEADER.headerSize, true);
  if (headerSize < HEADER_BYTES || headerSize > SECTOR_BYTES)
    throw corrupt(from, `its header claims ${headerSize} bytes`);
  const headerCrc = view.getUint32(HEADER.headerCrc, true);
  view.setUint32(HEADER.headerCrc, 0, true);
  if (crc32(header.subarray(0, headerSize)) !== headerCrc) throw corrupt(from, "the checksum of its header is wrong");

  const entryCount = view.getUint32(HEADER.entryCount, true);
  const entryBytes = view.getUint32(HEADER.entryBytes, true);
  if (entryCount > MAX_ENTRY_COUNT) {
    throw new GptError(
      "LIMIT",
      `cannot read the ${from} partition table: ${entryCount} entries, want at most ${MAX_ENTRY_COUNT}`,
    );
  }
  if (entryBytes < ENTRY_BYTES || entryBytes > MAX_ENTRY_BYTES || entryBytes % ENTRY_BYTES !== 0) {
    throw corrupt(from, `its entries claim ${entryBytes} bytes each`);
  }
  const entriesLba = lbaOf(view, HEADER.entriesLba);
  if (entriesLba < 2 || entriesLba * SECTOR_BYTES + entryCount * entryBytes > disk.sizeBytes) {
    throw corrupt(from, `its entries lie at sector ${entriesLba} of ${diskSectors}`);
  }
  const entries = await readBytes(disk, entriesLba * SECTOR_BYTES, entryCount * entryBytes);
  if (crc32(entries) !== view.getUint32(HEADER.entriesCrc, true))
    throw corrupt(from, "the checksum of its entries is wrong");
  const partitions: ReadPartition[] = [];
  for (let index = 0; index < entryCount; index++) {
    const entry = entries.subarray(index * entryBytes, index * entryBytes + ENTRY_BYTES);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const partition = decodeEntry(entry, index + 1);
    if (partition.sizeSectors < 1 || partition.startLba + partition.sizeSectors > diskSectors) {
      throw corrupt(
        from,
        `partition ${partition.number} (${partition.sizeSectors} sectors at ${partition.startLba}) exceeds the disk`,
      );
    }
    partitions.push(partition);
  }
  return {
    diskGuid: guidAt(header, HEADER.diskGuid),
    firstUsableLba: lbaOf(view, HEADER.firstUsableLba),
    lastUsableLba: lbaOf(view, HEADER.lastUsableLba),
    partitions,
    from,
  };
}

function decodeEntry(entry: Uint8Array, number: number): ReadPartition {
  const view = viewOf(entry);
  const startLba = lbaOf(view, ENTRY.firstLba);
  let name = "";
  for (let unit = 0; unit < NAME_UNITS; unit++) {
    const code = view.getUint16(ENTRY.name + unit * 2, true);
    if (code === 0) break;
    name += String.fromCharCode(code);
  }
  return {
    number,
    typeGuid: guidAt(entry, ENTRY.typeGuid),
    guid: guidAt(entry, ENTRY.guid),
    name,
    startLba,
    sizeSectors: lbaOf(view, ENTRY.lastLba) - startLba + 1,
    attributes: view.getBigUint64(ENTRY.attributes, true),
  };
}

/** Sector numbers beyond 2^53 become Infinity-like large numbers that every range check refuses. */
function lbaOf(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function guidAt(bytes: Uint8Array, offset: number): string {
  return formatUuid(swapGuid(bytes.subarray(offset, offset + 16)));
}

function corrupt(from: string, found: string): GptError {
  return new GptError("CORRUPT", `cannot read the ${from} partition table: ${found}`);
}
