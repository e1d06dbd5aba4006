// Extended headers (POSIX.1-2017 pax, "pax Extended Header"): records "LENGTH KEYWORD=VALUE\n". Records are cut by their
// length alone, so a value may hold any byte, newlines too; values stay raw bytes (an xattr is not text).
import { tarError } from "./error.ts";
import { PAX_XATTR, PAX_XATTR_BASE64, type TarXattr } from "./format.ts";
import type { LimitMeter } from "./limits.ts";

export interface PaxRecord {
  /** Byte string. */
  readonly keyword: string;
  readonly value: Buffer;
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/** The records in their order. `offset` is that of the extended header, for messages. */
export function parsePax(bytes: Buffer, offset: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    // Some writers pad with NULs inside the size they declare.
    if (bytes[at] === 0 && bytes.subarray(at).every((byte) => byte === 0)) break;
    const space = bytes.indexOf(SPACE, at);
    const digits = space < 0 || space - at > 12 ? "" : bytes.toString("latin1", at, space);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length === 0 || end > bytes.length || end <= space + 1 || bytes[end - 1] !== NEWLINE) {
      throw tarError("BAD_PAX", offset, `the extended header has no valid record at its byte ${at}`);
    }
    const equals = bytes.indexOf(EQUALS, space + 1);
    if (equals < 0 || equals >= end || equals === space + 1) {
      throw tarError("BAD_PAX", offset, `the extended header's record at byte ${at} has no keyword`);
    }
    records.push({ keyword: bytes.toString("latin1", space + 1, equals), value: bytes.subarray(equals + 1, end - 1) });
    at = end;
  }
  return records;
}

/** One record; the length counts itself. */
export function formatPaxRecord(keyword: string, value: Uint8Array): Uint8Array {
  const body = keyword.length + value.length + 3;
  let length = body + String(body).length;
  if (body + String(length).length !== length) length = body + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${keyword}=`, "latin1"), value, Buffer.from("\n")]);
}

/** What global and local extended headers say about one entry. Local records win over global ones. */
export interface PaxValues {
  readonly values: ReadonlyMap<string, Buffer>;
  /** Records of GNU's sparse format 0.0, whose keywords repeat. */
  readonly sparsePairs: readonly PaxRecord[];
}

export function mergePax(global: ReadonlyMap<string, Buffer>, local: readonly PaxRecord[]): PaxValues {
  const values = new Map(global);
  const sparsePairs: PaxRecord[] = [];
  for (const record of local) {
    if (record.keyword === "GNU.sparse.offset" || record.keyword === "GNU.sparse.numbytes") sparsePairs.push(record);
    else values.set(record.keyword, record.value);
  }
  return { values, sparsePairs };
}

/** A text value as a byte string; an empty value means "as in the header block" (undefined). */
export function paxText(values: ReadonlyMap<string, Buffer>, keyword: string, offset: number): string | undefined {
  const value = values.get(keyword);
  if (value === undefined || value.length === 0) return undefined;
  if (value.includes(0)) throw tarError("BAD_PAX", offset, `the value of ${keyword} has a NUL byte`);
  return value.toString("latin1");
}

/** A decimal value, fractions rounded down; undefined when absent or empty. */
export function paxNumber(values: ReadonlyMap<string, Buffer>, keyword: string, offset: number): number | undefined {
  const value = values.get(keyword);
  if (value === undefined || value.length === 0) return undefined;
  const text = value.toString("latin1", 0, 40);
  const number = /^-?[0-9]+(\.[0-9]*)?$/.test(text) ? Math.floor(Number(text)) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    throw tarError(
      "BAD_NUMBER",
      offset,
      `the extended header has ${keyword}=${JSON.stringify(text)}, not a number below 2^53`,
    );
  }
  return number;
}

/** Extended attributes, sorted. Where a writer gives both spellings of one name, the raw value counts. */
export function paxXattrs(values: ReadonlyMap<string, Buffer>, meter: LimitMeter, offset: number): TarXattr[] {
  const found = new Map<string, Buffer>();
  let total = 0;
  for (const [keyword, value] of values) {
    const raw = keyword.startsWith(PAX_XATTR);
    if (!raw && !keyword.startsWith(PAX_XATTR_BASE64)) continue;
    const name = raw ? keyword.slice(PAX_XATTR.length) : percentDecode(keyword.slice(PAX_XATTR_BASE64.length));
    if (name === "" || name.includes("\0")) {
      throw tarError("BAD_PAX", offset, `an extended attribute has the name ${JSON.stringify(name)}`);
    }
    if (!raw && found.has(name)) continue;
    const bytes = raw ? value : Buffer.from(value.toString("latin1"), "base64");
    // A copy: the record is a slice of a header that should not stay in memory for it.
    found.set(name, Buffer.from(bytes));
    total += name.length + bytes.length;
    meter.check("maxXattrBytes", total, offset);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ name, value }));
}

function percentDecode(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
