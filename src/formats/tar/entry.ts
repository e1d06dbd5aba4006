// From headers to an entry: which of header block, pax records and GNU long names counts, and what types mean.
// Order of precedence: pax local, pax global, GNU long name, header block.
import { tarError } from "./error.ts";
import { type TarEntry, type TarEntryType, type TarSpan, TYPE } from "./format.ts";
import type { RawHeader } from "./header.ts";
import type { LimitMeter } from "./limits.ts";
import { paxNumber, type PaxValues, paxText, paxXattrs } from "./pax.ts";
import { paxRuns, placeRuns, type SparseRun } from "./sparse.ts";

/** An entry whose sparse map may still be to come. */
export interface PendingEntry {
  readonly headerOffset: number;
  readonly storedBytes: number;
  /** Runs that the pax headers gave. */
  readonly runs: SparseRun[] | undefined;
  /** The data begins with a sparse map (pax format 1.0). */
  readonly hasSparseMap: boolean;
  mapBytes: number;
  /** `runs` undefined: a plain file whose bytes are stored from `dataOffset`. */
  finish(runs: readonly SparseRun[] | undefined, storedBytes: number, dataOffset: number): TarEntry;
}

export interface LongNames {
  readonly name: string | undefined;
  readonly link: string | undefined;
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  [TYPE.oldFile]: "file",
  [TYPE.file]: "file",
  [TYPE.contiguous]: "file",
  [TYPE.gnuSparse]: "file",
  [TYPE.hardlink]: "hardlink",
  [TYPE.symlink]: "symlink",
  [TYPE.character]: "character",
  [TYPE.block]: "block",
  [TYPE.directory]: "directory",
  [TYPE.fifo]: "fifo",
};

/** `firstOffset`: where the entry's first extended header began; `offset`: its own header block. */
export function buildEntry(
  header: RawHeader,
  pax: PaxValues,
  long: LongNames,
  meter: LimitMeter,
  firstOffset: number,
  offset: number,
): PendingEntry {
  const { values } = pax;
  const path =
    paxText(values, "GNU.sparse.name", firstOffset) ?? paxText(values, "path", firstOffset) ?? long.name ?? header.name;
  const type = entryType(header, path, offset);
  const linkTarget = paxText(values, "linkpath", firstOffset) ?? long.link ?? header.linkname;
  checkNames(type, path, linkTarget, meter, offset);
  // Only files have data, whatever their size field says: hard links and directories of some writers have one.
  const storedBytes =
    type === "file" ? atLeastZero("size", paxNumber(values, "size", firstOffset) ?? header.size, offset) : 0;
  const sparseSize = type === "file" ? sparseSizeOf(header, pax, firstOffset) : undefined;
  const runs = sparseSize === undefined ? undefined : paxRuns(pax, firstOffset);
  const sizeBytes = sparseSize ?? storedBytes;
  meter.check("maxEntryBytes", Math.max(sizeBytes, storedBytes), offset);
  const metadata = {
    type,
    path,
    linkTarget: type === "hardlink" || type === "symlink" ? linkTarget : "",
    mode: header.mode,
    uid: id("uid", paxNumber(values, "uid", firstOffset) ?? header.uid, offset),
    gid: id("gid", paxNumber(values, "gid", firstOffset) ?? header.gid, offset),
    mtimeSeconds: paxNumber(values, "mtime", firstOffset) ?? header.mtime,
    xattrs: paxXattrs(values, meter, firstOffset),
    major: id("devmajor", paxNumber(values, "SCHILY.devmajor", firstOffset) ?? header.major, offset),
    minor: id("devminor", paxNumber(values, "SCHILY.devminor", firstOffset) ?? header.minor, offset),
    sizeBytes,
    headerOffset: offset,
  };
  return {
    headerOffset: offset,
    storedBytes,
    runs: runs ?? (sparseSize === undefined || header.type === TYPE.gnuSparse ? undefined : []),
    hasSparseMap: type === "file" && header.type !== TYPE.gnuSparse && sparseMajor(pax) === 1,
    mapBytes: 0,
    finish: (found, stored, dataOffset) => ({
      ...metadata,
      spans:
        found === undefined ? plainSpan(stored, dataOffset) : placeRuns(found, sizeBytes, stored, dataOffset, offset),
    }),
  };
}

function plainSpan(length: number, offset: number): TarSpan[] {
  return length === 0 ? [] : [{ at: 0, length, offset }];
}

function entryType(header: RawHeader, path: string, offset: number): TarEntryType {
  const type = TYPES[header.type];
  if (type === undefined) {
    throw tarError(
      "UNSUPPORTED",
      offset,
      `its type is ${JSON.stringify(header.type)}, which is no file, directory, link, device or fifo`,
    );
  }
  // Before ustar had type 5, a directory was a file whose name ends in a slash.
  if (header.type === TYPE.oldFile && path.endsWith("/")) return "directory";
  return type;
}

function checkNames(type: TarEntryType, path: string, link: string, meter: LimitMeter, offset: number): void {
  if (path === "") throw tarError("BAD_ENTRY", offset, "its name is empty");
  meter.check("maxPathBytes", path.length, offset);
  if (type !== "hardlink" && type !== "symlink") return;
  if (link === "") throw tarError("BAD_ENTRY", offset, `it is a ${type} without a target`);
  meter.check("maxPathBytes", link.length, offset);
}

function sparseMajor(pax: PaxValues): number {
  return Number(pax.values.get("GNU.sparse.major")?.toString("latin1") ?? 0);
}

/** The size with holes of a sparse file; undefined for a plain one. */
function sparseSizeOf(header: RawHeader, pax: PaxValues, offset: number): number | undefined {
  if (header.type === TYPE.gnuSparse) return header.sparseRealSize;
  const major = sparseMajor(pax);
  const size = paxNumber(pax.values, "GNU.sparse.realsize", offset) ?? paxNumber(pax.values, "GNU.sparse.size", offset);
  const marked =
    major !== 0 ||
    pax.values.has("GNU.sparse.map") ||
    pax.sparsePairs.length > 0 ||
    pax.values.has("GNU.sparse.numblocks");
  if (!marked) return undefined;
  if (major > 1) throw tarError("UNSUPPORTED", offset, `its sparse format is ${major}, known are 0 and 1`);
  if (size === undefined) throw tarError("BAD_SPARSE", offset, "a sparse file does not say its size");
  return atLeastZero("GNU.sparse.realsize", size, offset);
}

function atLeastZero(what: string, value: number, offset: number): number {
  if (value >= 0) return value;
  throw tarError("BAD_NUMBER", offset, `its ${what} is ${value}`);
}

/** User, group and device numbers have 32 bits. */
function id(what: string, value: number, offset: number): number {
  if (value >= 0 && value <= 0xffff_ffff) return value;
  throw tarError("BAD_NUMBER", offset, `its ${what} is ${value}, outside 0…2^32-1`);
}
