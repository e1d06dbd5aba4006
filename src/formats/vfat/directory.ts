// Directory entries: short ones of 32 bytes, each preceded by those that carry its long name, last part first.
import { viewOf } from "../../base/bytes/index.ts";
import { ATTRIBUTE, DIRECTORY_ENTRY_BYTES, ENTRY, LONG_NAME_LAST, LONG_NAME_OFFSETS } from "./format.ts";
import type { FatName } from "./names.ts";
import { dosTime } from "./time.ts";

export interface ShortEntry {
  /** 11 characters. */
  readonly short: string;
  readonly attributes: number;
  /** 0 for an empty file, the label, and the root. */
  readonly cluster: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
}

/** Entries of 32 bytes that a name takes. */
export function entriesFor(name: FatName): number {
  return 1 + (name.needsLong ? Math.ceil(name.long.length / LONG_NAME_OFFSETS.length) : 0);
}

/** Fills a directory from its start. */
export class DirectoryEncoder {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(entryCount: number) {
    this.bytes = new Uint8Array(entryCount * DIRECTORY_ENTRY_BYTES);
  }

  add(entry: ShortEntry, name?: FatName): void {
    if (name?.needsLong === true) this.#addLong(name);
    const record = this.#next();
    const view = viewOf(record);
    const { date, time } = dosTime(entry.mtimeSeconds);
    record.set(Buffer.from(entry.short, "latin1"), ENTRY.name);
    view.setUint8(ENTRY.attributes, entry.attributes);
    view.setUint16(ENTRY.createTime, time, true);
    view.setUint16(ENTRY.createDate, date, true);
    view.setUint16(ENTRY.accessDate, date, true);
    view.setUint16(ENTRY.clusterHigh, Math.floor(entry.cluster / 65536), true);
    view.setUint16(ENTRY.writeTime, time, true);
    view.setUint16(ENTRY.writeDate, date, true);
    view.setUint16(ENTRY.clusterLow, entry.cluster % 65536, true);
    view.setUint32(ENTRY.size, entry.sizeBytes, true);
  }

  #addLong(name: FatName): void {
    const units = LONG_NAME_OFFSETS.length;
    const parts = Math.ceil(name.long.length / units);
    for (let part = parts; part >= 1; part--) {
      const record = this.#next();
      const view = viewOf(record);
      record[0] = part + (part === parts ? LONG_NAME_LAST : 0);
      record[ENTRY.attributes] = ATTRIBUTE.longName;
      record[13] = shortNameChecksum(name.short);
      for (const [index, offset] of LONG_NAME_OFFSETS.entries()) {
        const at = (part - 1) * units + index;
        // One NUL ends a name that does not fill its last entry; ones pad the rest.
        const unit = at < name.long.length ? name.long.charCodeAt(at) : at === name.long.length ? 0 : 0xffff;
        view.setUint16(offset, unit, true);
      }
    }
  }

  #next(): Uint8Array {
    const record = this.bytes.subarray(this.#at, this.#at + DIRECTORY_ENTRY_BYTES);
    this.#at += DIRECTORY_ENTRY_BYTES;
    return record;
  }
}

/** Ties long entries to their short one (FAT paper, "ChkSum"). */
export function shortNameChecksum(short: string): number {
  let sum = 0;
  for (let index = 0; index < 11; index++) sum = (((sum & 1) << 7) + (sum >> 1) + short.charCodeAt(index)) & 0xff;
  return sum;
}
