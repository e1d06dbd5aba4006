// The index of a cached layer: lines of up to 1,000 records each (JSON arrays), a line of facts, and last, of fixed length,
// the offset of that line and the SHA-256 of all that. It is written while the layer passes by, so records need not be
// held. Texts are byte strings and the file is written byte for byte (latin1), so any name survives. A file that is cut,
// altered or of another version counts as missing: an index can always be made again.
import { createHash, type Hash } from "node:crypto";
import type { Digest } from "../../base/digest.ts";
import { EMPTY_CONTENT, readBytes, type Source } from "../../base/io/index.ts";
import type { TarPeaks } from "../../formats/tar/index.ts";
import { contentOfSpans, type LayerEntry } from "../../tree/index.ts";
import type { LayerRecord } from "./recorder.ts";

const VERSION = 2;
const RECORDS_A_LINE = 1000;
const OFFSET_DIGITS = 16;
const TRAILER_BYTES = OFFSET_DIGITS + 1 + 64 + 1;
const PIECE_BYTES = 1024 * 1024;

export interface IndexFacts {
  readonly diffId: Digest;
  /** Length of the decompressed tar. */
  readonly sizeBytes: number;
  /** Name and version of the fingerprint, or null. */
  readonly fingerprint: string | null;
}

type Line = { readonly version: number; readonly peaks: TarPeaks } & IndexFacts;

export interface LayerIndex {
  readonly entries: LayerEntry[];
  /** How close the layer came to the caps when it was read. */
  readonly peaks: TarPeaks;
}

/** type, path, mode, uid, gid, mtime, xattrs (name, value, …), and what the type needs. */
export type Row = [
  LayerEntry["type"],
  string,
  number,
  number,
  number,
  number,
  string[],
  ...(string | number | number[])[],
];

/** Takes a layer's records one by one and makes the index of them, piece by piece. */
export class IndexEncoder {
  readonly #hash = createHash("sha256");
  #rows: Row[] = [];
  #lines: Uint8Array[] = [];
  #sizeBytes = 0;

  add(record: LayerRecord): void {
    this.#rows.push(rowOf(record));
    if (this.#rows.length === RECORDS_A_LINE) this.#endRows();
  }

  /** What has become of the index since the last call. */
  take(): Uint8Array[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** No more records: `take` gives the rest. */
  finish(facts: IndexFacts, peaks: TarPeaks): void {
    this.#endRows();
    const offset = String(this.#sizeBytes).padStart(OFFSET_DIGITS, "0");
    const line: Line = { version: VERSION, ...facts, peaks };
    this.#push(`${JSON.stringify(line)}\n`);
    this.#lines.push(latin1(trailerOf(offset, this.#hash)));
  }

  #endRows(): void {
    if (this.#rows.length === 0) return;
    this.#push(`${JSON.stringify(this.#rows)}\n`);
    this.#rows = [];
  }

  #push(text: string): void {
    const bytes = latin1(text);
    this.#hash.update(bytes);
    this.#lines.push(bytes);
    this.#sizeBytes += bytes.length;
  }
}

export function rowOf(record: LayerRecord): Row {
  const { type, path, mode, uid, gid, mtimeSeconds } = record;
  const xattrs = record.xattrs.flatMap(({ name, value }) => [name, Buffer.from(value).toString("latin1")]);
  const head: Row = [type, path, mode, uid, gid, mtimeSeconds, xattrs];
  switch (type) {
    case "file":
      return [
        ...head,
        record.sizeBytes,
        record.checksum,
        record.spans.flatMap(({ at, length, offset }) => [at, length, offset]),
      ];
    case "symlink":
    case "hardlink":
      return [...head, record.linkTarget];
    case "character":
    case "block":
      return [...head, record.major, record.minor];
    default:
      return head;
  }
}

/**
 * The entries, with their contents in `data`; undefined when the bytes are not the index that `facts` describe. `onEntries`
 * is told how many more there are, as they come.
 */
export async function decodeIndex(
  index: Source,
  facts: IndexFacts,
  data: Source,
  onEntries?: (count: number) => void,
): Promise<LayerIndex | undefined> {
  const trailerAt = index.sizeBytes - TRAILER_BYTES;
  if (trailerAt < 0) return undefined;
  const hash = createHash("sha256");
  for await (const piece of piecesOf(index, trailerAt)) hash.update(piece);
  const trailer = Buffer.from(await readBytes(index, trailerAt, TRAILER_BYTES)).toString("latin1");
  const offset = trailer.slice(0, OFFSET_DIGITS);
  if (trailer !== trailerOf(offset, hash)) return undefined;
  const factsAt = Number(offset);
  const line = JSON.parse(textOf(await readBytes(index, factsAt, trailerAt - factsAt))) as Line;
  const wanted =
    facts.sizeBytes === line.sizeBytes && facts.diffId === line.diffId && facts.fingerprint === line.fingerprint;
  if (line.version !== VERSION || !wanted) return undefined;
  const entries: LayerEntry[] = [];
  for await (const text of linesOf(index, factsAt)) {
    const rows = JSON.parse(text) as Row[];
    onEntries?.(rows.length);
    for (const row of rows) entries.push(entryOf(row, data));
  }
  return { entries, peaks: line.peaks };
}

function trailerOf(offset: string, hash: Hash): string {
  return `${offset} ${hash.update(offset).digest("hex")}\n`;
}

async function* piecesOf(source: Source, end: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < end; at += PIECE_BYTES) yield await readBytes(source, at, Math.min(PIECE_BYTES, end - at));
}

/** Each line before `end`, where one ends. */
async function* linesOf(source: Source, end: number): AsyncGenerator<string> {
  let begun: Uint8Array = Buffer.alloc(0);
  for await (const piece of piecesOf(source, end)) {
    let at = 0;
    for (let newline; (newline = piece.indexOf(0x0a, at)) >= 0; at = newline + 1) {
      yield textOf(begun) + textOf(piece.subarray(at, newline));
      begun = piece.subarray(0, 0);
    }
    begun = Buffer.concat([begun, piece.subarray(at)]);
  }
}

export function entryOf(row: Row, source: Source): LayerEntry {
  const [type, path, mode, uid, gid, mtimeSeconds, flat, first, second, third] = row;
  const isDevice = type === "character" || type === "block";
  return {
    type,
    path,
    target: type === "symlink" || type === "hardlink" ? (first as string) : "",
    mode,
    uid,
    gid,
    mtimeSeconds,
    xattrs: flat.length === 0 ? NO_XATTRS : xattrsOf(flat),
    content: type === "file" ? contentOfSpans(first as number, spansOf(third as number[]), source) : EMPTY_CONTENT,
    major: isDevice ? (first as number) : 0,
    minor: isDevice ? (second as number) : 0,
    ...(type === "file" && second !== "" ? { ostreeChecksum: second as string } : {}),
  };
}

const NO_XATTRS: LayerEntry["xattrs"] = [];

function xattrsOf(flat: readonly string[]): LayerEntry["xattrs"] {
  const xattrs = [];
  for (let at = 0; at < flat.length; at += 2)
    xattrs.push({ name: flat[at] as string, value: latin1(flat[at + 1] as string) });
  return xattrs;
}

function spansOf(flat: readonly number[]): { at: number; length: number; offset: number }[] {
  const spans = [];
  for (let at = 0; at < flat.length; at += 3) {
    spans.push({ at: flat[at] as number, length: flat[at + 1] as number, offset: flat[at + 2] as number });
  }
  return spans;
}

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
