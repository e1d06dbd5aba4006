// Entries to header blocks: ustar where it can say everything (POSIX.1-2017 pax, "ustar Interchange Format"), with an
// extended header in front where it cannot: long or non-ASCII names, numbers beyond the octal fields, extended attributes
// (raw SCHILY.xattr values). No user or group names, no times but mtime: equal input gives equal bytes.
import {
  BLOCK_BYTES,
  type Field,
  FIELD,
  PAX_XATTR,
  PAX_XATTR_BASE64,
  type TarEntryType,
  type TarXattr,
  TYPE,
  USTAR_MAGIC,
} from "./format.ts";
import { checksums } from "./header.ts";
import { formatPaxRecord } from "./pax.ts";

export interface TarWriteEntry {
  readonly type: TarEntryType;
  /** Byte string. Directories get their "/" here. */
  readonly path: string;
  readonly linkTarget?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly xattrs?: readonly TarXattr[];
  /** Bytes that follow the header, padded to a block by the caller (`tarPadding`). Files only. */
  readonly sizeBytes?: number;
  readonly major?: number;
  readonly minor?: number;
  /**
   * Where a file with holes has its data: only that follows, `sparseBytes` of it and padding. Sorted, apart. Pax format
   * 1.0 of GNU tar's manual, "Storing Sparse Files": for GNU tar, others may not know it.
   */
  readonly sparse?: readonly { readonly at: number; readonly length: number }[];
}

const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

/** Two zero blocks end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

/** Zero bytes between the data of an entry and the next header. */
export function tarPadding(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES - sizeBytes;
}

/** The header of an entry, with its extended header and its sparse map if it needs them. */
export function encodeTarHeader(entry: TarWriteEntry): Uint8Array {
  if (entry.sparse !== undefined) return encodeSparse(entry, entry.sparse);
  const path = entry.type === "directory" && !entry.path.endsWith("/") ? `${entry.path}/` : entry.path;
  return withPax(path, paxRecords(entry, path), encodeBlock(entry, path, TYPES[entry.type], entry.sizeBytes ?? 0));
}

/** Bytes of a sparse file that follow its header. */
export function sparseBytes(runs: readonly { readonly length: number }[]): number {
  return runs.reduce((sum, { length }) => sum + length, 0);
}

function encodeSparse(entry: TarWriteEntry, data: NonNullable<TarWriteEntry["sparse"]>): Uint8Array {
  const { sizeBytes = 0, path } = entry;
  // Readers set the file's length by its last run.
  const runs = [...data, { at: sizeBytes, length: 0 }];
  const lines = [runs.length, ...runs.flatMap(({ at, length }) => [at, length])].map((number) => `${number}\n`);
  const map = Buffer.from(lines.join(""));
  const padded = Buffer.concat([map, Buffer.alloc(tarPadding(map.length))]);
  const short = `GNUSparseFile.0/${ascii(path).split("/").at(-1)?.slice(0, 80)}`;
  const stored = { ...entry, path: short, sizeBytes: padded.length + sparseBytes(data) };
  const facts = { major: "1", minor: "0", name: path, realsize: String(sizeBytes) };
  const records = Object.entries(facts).map(([name, value]) =>
    formatPaxRecord(`GNU.sparse.${name}`, Buffer.from(value, "latin1")),
  );
  const header = encodeBlock(stored, short, TYPE.file, stored.sizeBytes);
  return Buffer.concat([withPax(short, [...records, ...paxRecords(stored, short)], header), padded]);
}

function withPax(path: string, records: readonly Uint8Array[], header: Buffer): Uint8Array {
  if (records.length === 0) return header;
  const pax = Buffer.concat(records);
  const name = `PaxHeaders/${ascii(path).replace(/\/$/, "").split("/").at(-1)?.slice(0, 80)}`;
  const paxHeader = encodeBlock(
    { type: "file", path: name, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 },
    name,
    TYPE.paxLocal,
    pax.length,
  );
  return Buffer.concat([paxHeader, pax, Buffer.alloc(tarPadding(pax.length)), header]);
}

const TYPES: Readonly<Record<TarEntryType, string>> = {
  file: TYPE.file,
  hardlink: TYPE.hardlink,
  symlink: TYPE.symlink,
  character: TYPE.character,
  block: TYPE.block,
  directory: TYPE.directory,
  fifo: TYPE.fifo,
};

/** What the header block cannot say. */
function paxRecords(entry: TarWriteEntry, path: string): Uint8Array[] {
  const records: Uint8Array[] = [];
  const add = (keyword: string, value: string | number): void => {
    records.push(formatPaxRecord(keyword, Buffer.from(String(value), "latin1")));
  };
  const link = entry.linkTarget ?? "";
  // Readers that would convert names from UTF-8 must not when they are something else.
  if (!isUtf8(path) || !isUtf8(link)) add("hdrcharset", "BINARY");
  if (splitName(path) === undefined) add("path", path);
  if (!isAscii(link) || link.length > FIELD.linkname.length) add("linkpath", link);
  if ((entry.sizeBytes ?? 0) > MAX_OCTAL_11) add("size", entry.sizeBytes ?? 0);
  if (entry.uid > MAX_OCTAL_7) add("uid", entry.uid);
  if (entry.gid > MAX_OCTAL_7) add("gid", entry.gid);
  if (entry.mtimeSeconds < 0 || entry.mtimeSeconds > MAX_OCTAL_11) add("mtime", entry.mtimeSeconds);
  if ((entry.major ?? 0) > MAX_OCTAL_7) add("SCHILY.devmajor", entry.major ?? 0);
  if ((entry.minor ?? 0) > MAX_OCTAL_7) add("SCHILY.devminor", entry.minor ?? 0);
  for (const { name, value } of (entry.xattrs ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    // The keyword of a record ends at the first "=": a name that has one goes percent-encoded.
    if (!name.includes("=")) records.push(formatPaxRecord(`${PAX_XATTR}${name}`, value));
    else add(`${PAX_XATTR_BASE64}${percentEncode(name)}`, Buffer.from(value).toString("base64").replace(/=+$/, ""));
  }
  return records;
}

function encodeBlock(entry: TarWriteEntry, path: string, type: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const { prefix, name } = splitName(path) ?? { prefix: "", name: ascii(path).slice(0, FIELD.name.length) };
  block.write(name, FIELD.name.at, "latin1");
  block.write(prefix, FIELD.prefix.at, "latin1");
  block.write(ascii(entry.linkTarget ?? "").slice(0, FIELD.linkname.length), FIELD.linkname.at, "latin1");
  writeOctal(block, FIELD.mode, entry.mode);
  writeOctal(block, FIELD.uid, entry.uid > MAX_OCTAL_7 ? 0 : entry.uid);
  writeOctal(block, FIELD.gid, entry.gid > MAX_OCTAL_7 ? 0 : entry.gid);
  writeOctal(block, FIELD.size, size > MAX_OCTAL_11 ? 0 : size);
  writeOctal(block, FIELD.mtime, Math.min(Math.max(entry.mtimeSeconds, 0), MAX_OCTAL_11));
  block.write(type, FIELD.type.at, "latin1");
  block.write(USTAR_MAGIC, FIELD.magic.at, "latin1");
  if (entry.type === "character" || entry.type === "block") {
    writeOctal(block, FIELD.devmajor, Math.min(entry.major ?? 0, MAX_OCTAL_7));
    writeOctal(block, FIELD.devminor, Math.min(entry.minor ?? 0, MAX_OCTAL_7));
  }
  block.write(`${checksums(block).unsigned.toString(8).padStart(6, "0")}\0 `, FIELD.checksum.at, "latin1");
  return block;
}

function writeOctal(block: Buffer, field: Field, value: number): void {
  block.write(value.toString(8).padStart(field.length - 1, "0"), field.at, "latin1");
}

/** Name and prefix of a path that fits the header block; undefined when it does not. */
function splitName(path: string): { prefix: string; name: string } | undefined {
  if (!isAscii(path)) return undefined;
  if (path.length <= FIELD.name.length) return { prefix: "", name: path };
  // The slash that parts them belongs to neither; a directory's last slash stays with its name.
  for (
    let slash = path.indexOf("/");
    slash >= 0 && slash <= FIELD.prefix.length;
    slash = path.indexOf("/", slash + 1)
  ) {
    const name = path.slice(slash + 1);
    if (slash > 0 && name.length > 0 && name.length <= FIELD.name.length) return { prefix: path.slice(0, slash), name };
  }
  return undefined;
}

function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^[\x01-\x7f]*$/.test(text);
}

function isUtf8(text: string): boolean {
  if (isAscii(text)) return true;
  const bytes = Buffer.from(text, "latin1");
  return Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
}

function ascii(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[^\x01-\x7f]/g, "_");
}

function percentEncode(text: string): string {
  return text.replace(
    /[^A-Za-z0-9_.-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
