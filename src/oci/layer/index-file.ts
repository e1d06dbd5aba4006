// The index of a cached layer: one line of facts, lines of up to 1,000 records each (JSON arrays), and the SHA-256 of all
// that as the last line. Texts are byte strings and the file is written byte for byte (latin1), so any name survives.
// A file that is cut, altered or of another version counts as missing: an index can always be made again.
import { createHash } from "node:crypto";
import type { Digest } from "../../base/digest.ts";
import { EMPTY_CONTENT, type Source } from "../../base/io/index.ts";
import type { TarPeaks } from "../../formats/tar/index.ts";
import { contentOfSpans, type LayerEntry } from "../../tree/index.ts";
import type { LayerRecord } from "./recorder.ts";

const VERSION = 1;
const RECORDS_A_LINE = 1000;
const DIGEST_LINE_BYTES = 65;

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

export function encodeIndex(facts: IndexFacts, peaks: TarPeaks, records: readonly LayerRecord[]): Uint8Array[] {
  const line: Line = { version: VERSION, ...facts, peaks };
  const lines = [latin1(`${JSON.stringify(line)}\n`)];
  for (let at = 0; at < records.length; at += RECORDS_A_LINE) {
    lines.push(latin1(`${JSON.stringify(records.slice(at, at + RECORDS_A_LINE).map(rowOf))}\n`));
  }
  const hash = createHash("sha256");
  for (const bytes of lines) hash.update(bytes);
  lines.push(latin1(`${hash.digest("hex")}\n`));
  return lines;
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

/** The entries, with their contents in `source`; undefined when the bytes are not the index that `facts` describe. */
export function decodeIndex(bytes: Buffer, facts: IndexFacts, source: Source): LayerIndex | undefined {
  const bodyEnd = bytes.length - DIGEST_LINE_BYTES;
  if (bodyEnd < 0) return undefined;
  const digest = createHash("sha256").update(bytes.subarray(0, bodyEnd)).digest("hex");
  if (bytes.toString("latin1", bodyEnd) !== `${digest}\n`) return undefined;
  let at = bytes.indexOf(0x0a) + 1;
  const line = JSON.parse(bytes.toString("latin1", 0, at)) as Line;
  const wanted =
    facts.sizeBytes === line.sizeBytes && facts.diffId === line.diffId && facts.fingerprint === line.fingerprint;
  if (line.version !== VERSION || !wanted) return undefined;
  const entries: LayerEntry[] = [];
  while (at < bodyEnd) {
    const end = bytes.indexOf(0x0a, at) + 1;
    for (const row of JSON.parse(bytes.toString("latin1", at, end)) as Row[]) entries.push(entryOf(row, source));
    at = end;
  }
  return { entries, peaks: line.peaks };
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
