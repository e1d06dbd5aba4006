// The tar reader's core: a push parser. Chunks of any size go in; entries and slices of the same chunks (no copies) come
// out. It reads ustar, pax, GNU and v7 headers; see header.ts, pax.ts and sparse.ts for what they refuse. Unknown entry
// types, volumes and dumps are UNSUPPORTED. As container engines do, it ends at two zero blocks and ignores the rest, and
// takes a missing end marker between entries for the end.
import { tarError } from "./error.ts";
import { buildEntry, type PendingEntry } from "./entry.ts";
import { BLOCK_BYTES, GNU_SPARSE, type TarEntry, type TarSpan, TYPE } from "./format.ts";
import { decodeHeader, type RawHeader } from "./header.ts";
import { DEFAULT_TAR_LIMITS, LimitMeter, type TarLimits, type TarPeaks } from "./limits.ts";
import { mergePax, parsePax, type PaxRecord } from "./pax.ts";
import { gnuRuns, SparseMapReader, type SparseRun } from "./sparse.ts";

export interface TarHandler {
  /** An entry begins; its data follows. */
  entry(entry: TarEntry): void;
  /** Bytes of the current entry from position `at` of the file. A slice of the chunk that was pushed: copy to keep. */
  data?(bytes: Buffer, at: number): void;
  /** The current entry is complete. Called for every entry, also those without data. */
  end?(entry: TarEntry): void;
}

/** An extended header or long name whose bytes are being gathered. */
interface MetaHeader {
  readonly type: string;
  readonly size: number;
  readonly offset: number;
  readonly parts: Buffer[];
  filled: number;
}

type State = "header" | "meta" | "gnuExtension" | "sparseMap" | "data" | "padding" | "done";

const NO_BYTES = Buffer.alloc(0);

export class TarParser {
  readonly #handler: TarHandler;
  readonly #meter: LimitMeter;
  #state: State = "header";
  /** Offset in the stream of the next byte to be taken. */
  #offset = 0;
  /** Bytes of the block that a chunk's end has cut. */
  #partial: Buffer = NO_BYTES;
  #zeroBlocks = 0;
  #entries = 0;
  #totalBytes = 0;
  #sparseSpans = 0;
  #paddingBytes = 0;

  #meta: MetaHeader | undefined;
  #global: ReadonlyMap<string, Buffer> = new Map();
  #local: PaxRecord[] | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;
  /** Where the first of the headers that belong to the next entry began. */
  #firstHeader: number | undefined;

  #pending: PendingEntry | undefined;
  #gnuRuns: SparseRun[] = [];
  #sparseMap: SparseMapReader | undefined;
  #entry: TarEntry | undefined;
  #span = 0;
  #spanDone = 0;

  constructor(handler: TarHandler, limits: TarLimits = DEFAULT_TAR_LIMITS) {
    this.#handler = handler;
    this.#meter = new LimitMeter(limits);
  }

  /** How close the input came to the caps. */
  get peaks(): TarPeaks {
    return this.#meter.peaks;
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset;
  }

  get ended(): boolean {
    return this.#state === "done";
  }

  /** How many of the coming bytes hold no header: a reader with random access may pass over them with `skip`. */
  get skippableBytes(): number {
    if (this.#state === "padding") return this.#paddingBytes;
    if (this.#state !== "data" || this.#entry === undefined) return 0;
    const { spans } = this.#entry;
    let bytes = -this.#spanDone;
    for (let index = this.#span; index < spans.length; index++) bytes += spans[index]?.length ?? 0;
    return bytes + this.#paddingBytes;
  }

  /** Passes over all `skippableBytes`; the handler's `data` is not called for them. */
  skip(): void {
    this.#offset += this.skippableBytes;
    if (this.#state === "data") this.#endEntry();
    this.#state = "header";
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      const before = at;
      switch (this.#state) {
        case "data":
          at += this.#takeData(bytes, at);
          break;
        case "padding":
          at += this.#takePadding(bytes.length - at);
          break;
        case "meta":
          at += this.#takeMeta(bytes, at);
          break;
        case "done":
          at = bytes.length;
          break;
        default: {
          const block = this.#takeBlock(bytes, at);
          at += block.taken;
          this.#offset += block.taken;
          if (block.bytes !== undefined) this.#takeHeaderBlock(block.bytes);
          continue;
        }
      }
      this.#offset += at - before;
    }
  }

  /** The input has ended. TRUNCATED unless it ended between entries. */
  finish(): void {
    if (this.#state === "done") return;
    const between = this.#state === "header" && this.#partial.length === 0 && this.#firstHeader === undefined;
    if (between) {
      this.#state = "done";
      return;
    }
    const inside =
      this.#entry === undefined || this.#state === "header"
        ? "a header"
        : `the data of an entry of ${this.#entry.sizeBytes} bytes`;
    throw tarError(
      "TRUNCATED",
      this.#firstHeader ?? this.#offset,
      `the input ends at offset ${this.#offset}, inside ${inside}`,
      {
        hint: "Fetch or copy the input again: it is not whole",
      },
    );
  }

  /** A whole block, from the chunk or put together from several. */
  #takeBlock(bytes: Buffer, at: number): { taken: number; bytes: Buffer | undefined } {
    const missing = BLOCK_BYTES - this.#partial.length;
    const part = bytes.subarray(at, at + missing);
    if (part.length < missing) {
      this.#partial = Buffer.concat([this.#partial, part]);
      return { taken: part.length, bytes: undefined };
    }
    const block = this.#partial.length === 0 ? part : Buffer.concat([this.#partial, part]);
    this.#partial = NO_BYTES;
    return { taken: part.length, bytes: block };
  }

  #takeHeaderBlock(block: Buffer): void {
    if (this.#state === "gnuExtension") this.#gnuExtension(block);
    else if (this.#state === "sparseMap") this.#sparseMapBlock(block);
    else this.#header(block, this.#offset - BLOCK_BYTES);
  }

  #header(block: Buffer, offset: number): void {
    if (block[0] === 0 && block.equals(ZERO_BLOCK)) {
      if (this.#firstHeader !== undefined)
        throw tarError("BAD_ENTRY", this.#firstHeader, "an extended header has no entry after it");
      if (++this.#zeroBlocks === 2) this.#state = "done";
      return;
    }
    this.#zeroBlocks = 0;
    const header = decodeHeader(block, offset);
    if (header.size < 0) throw tarError("BAD_NUMBER", offset, `the size is ${header.size}`);
    switch (header.type) {
      case TYPE.paxLocal:
      case TYPE.paxLocalSun:
      case TYPE.paxGlobal:
        this.#meter.check("maxPaxBytes", header.size, offset);
        this.#startMeta(header, offset);
        break;
      case TYPE.gnuLongName:
      case TYPE.gnuLongLink:
        // The text and its NUL; some writers pad to the block.
        this.#meter.check("maxPathBytes", header.size - BLOCK_BYTES, offset);
        this.#startMeta(header, offset);
        break;
      case TYPE.gnuVolume:
        this.#startPadding(Math.ceil(header.size / BLOCK_BYTES) * BLOCK_BYTES);
        break;
      default:
        this.#startEntry(block, header, offset);
    }
  }

  #startMeta(header: RawHeader, offset: number): void {
    this.#firstHeader ??= offset;
    this.#meta = { type: header.type, size: header.size, offset, parts: [], filled: 0 };
    this.#state = "meta";
    if (header.size === 0) this.#endMeta();
  }

  #takeMeta(bytes: Buffer, at: number): number {
    const meta = this.#meta as MetaHeader;
    const part = bytes.subarray(at, at + meta.size - meta.filled);
    // A copy: chunks may be reused by their owner once push has returned.
    meta.parts.push(Buffer.from(part));
    meta.filled += part.length;
    if (meta.filled === meta.size) this.#endMeta();
    return part.length;
  }

  #endMeta(): void {
    const { type, size, offset, parts } = this.#meta as MetaHeader;
    this.#meta = undefined;
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const nul = bytes.indexOf(0);
    if (type === TYPE.gnuLongName) this.#longName = bytes.toString("latin1", 0, nul < 0 ? bytes.length : nul);
    else if (type === TYPE.gnuLongLink) this.#longLink = bytes.toString("latin1", 0, nul < 0 ? bytes.length : nul);
    else if (type === TYPE.paxGlobal) this.#mergeGlobal(parsePax(bytes, offset), offset);
    else this.#local = parsePax(bytes, offset);
    // A global header stands for itself: the archive may end after it.
    if (type === TYPE.paxGlobal && this.#firstHeader === offset) this.#firstHeader = undefined;
    this.#startPadding(paddingOf(size));
  }

  #mergeGlobal(records: readonly PaxRecord[], offset: number): void {
    this.#global = mergePax(this.#global, records).values;
    let bytes = 0;
    for (const [keyword, value] of this.#global) bytes += keyword.length + value.length;
    this.#meter.check("maxPaxBytes", bytes, offset);
  }

  #startEntry(block: Buffer, header: RawHeader, offset: number): void {
    this.#meter.check("maxEntries", ++this.#entries, offset);
    this.#pending = buildEntry(
      header,
      mergePax(this.#global, this.#local ?? []),
      { name: this.#longName, link: this.#longLink },
      this.#meter,
      this.#firstHeader ?? offset,
      offset,
    );
    this.#local = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#firstHeader ??= offset;
    if (header.type === TYPE.gnuSparse) {
      this.#gnuRuns = gnuRuns(block, GNU_SPARSE.spans.at, GNU_SPARSE.spans.count, offset);
      if (block[GNU_SPARSE.isExtended] !== 0) this.#state = "gnuExtension";
      else this.#beginData(this.#gnuRuns, 0);
    } else if (this.#pending.hasSparseMap) {
      this.#sparseMap = new SparseMapReader(offset, this.#meter);
      this.#state = "sparseMap";
    } else {
      this.#beginData(this.#pending.runs, 0);
    }
  }

  #gnuExtension(block: Buffer): void {
    const { count, isExtended } = GNU_SPARSE.extension;
    for (const run of gnuRuns(block, 0, count, this.#offset - BLOCK_BYTES)) this.#gnuRuns.push(run);
    this.#meter.check("maxSparseSpans", this.#gnuRuns.length, this.#offset);
    if (block[isExtended] === 0) this.#beginData(this.#gnuRuns, 0);
  }

  #sparseMapBlock(block: Buffer): void {
    const pending = this.#pending as PendingEntry;
    const runs = this.#sparseMap?.push(block);
    pending.mapBytes += BLOCK_BYTES;
    if (pending.mapBytes > pending.storedBytes) {
      throw tarError(
        "BAD_SPARSE",
        pending.headerOffset,
        `the sparse map is longer than the entry's ${pending.storedBytes} bytes`,
      );
    }
    if (runs !== undefined) this.#beginData(runs, pending.mapBytes);
  }

  /** All headers of the entry are read: report it. `mapBytes` of the stored bytes are behind us. */
  #beginData(runs: readonly SparseRun[] | undefined, mapBytes: number): void {
    const pending = this.#pending as PendingEntry;
    this.#pending = undefined;
    this.#sparseMap = undefined;
    this.#gnuRuns = [];
    const entry = pending.finish(runs, pending.storedBytes - mapBytes, this.#offset);
    this.#sparseSpans += runs === undefined ? 0 : entry.spans.length;
    this.#meter.check("maxSparseSpans", this.#sparseSpans, entry.headerOffset);
    this.#totalBytes += entry.sizeBytes;
    this.#meter.check("maxTotalBytes", this.#totalBytes, entry.headerOffset);
    this.#entry = entry;
    this.#span = 0;
    this.#spanDone = 0;
    this.#paddingBytes = paddingOf(pending.storedBytes - mapBytes);
    this.#handler.entry(entry);
    if (entry.spans.length > 0) this.#state = "data";
    else this.#endEntry();
  }

  #takeData(bytes: Buffer, at: number): number {
    const entry = this.#entry as TarEntry;
    const span = entry.spans[this.#span] as TarSpan;
    const part = bytes.subarray(at, at + span.length - this.#spanDone);
    this.#handler.data?.(part, span.at + this.#spanDone);
    this.#spanDone += part.length;
    if (this.#spanDone === span.length) {
      this.#span++;
      this.#spanDone = 0;
      if (this.#span === entry.spans.length) this.#endEntry();
    }
    return part.length;
  }

  #endEntry(): void {
    const entry = this.#entry as TarEntry;
    this.#entry = undefined;
    this.#firstHeader = undefined;
    this.#handler.end?.(entry);
    this.#startPadding(this.#paddingBytes);
  }

  #startPadding(bytes: number): void {
    this.#paddingBytes = bytes;
    this.#state = bytes === 0 ? "header" : "padding";
  }

  #takePadding(available: number): number {
    const taken = Math.min(available, this.#paddingBytes);
    this.#startPadding(this.#paddingBytes - taken);
    return taken;
  }
}

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

function paddingOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES - sizeBytes;
}
