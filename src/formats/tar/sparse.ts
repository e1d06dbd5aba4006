// Sparse files (GNU tar manual, "Storing Sparse Files"): old GNU headers (type S), pax formats 0.0, 0.1 and 1.0. All say
// which runs of the file are stored, one after the other, in the entry's data. Refuses maps that are unsorted, overlap,
// leave the file, or do not add up to the stored bytes.
import { tarError } from "./error.ts";
import { GNU_SPARSE, type TarSpan } from "./format.ts";
import { numberField } from "./header.ts";
import type { LimitMeter } from "./limits.ts";
import type { PaxRecord, PaxValues } from "./pax.ts";

/** A run of stored bytes: position in the file and length. */
export interface SparseRun {
  readonly at: number;
  readonly length: number;
}

/** Runs of an old GNU header or extension block; unused slots are skipped. */
export function gnuRuns(block: Buffer, at: number, count: number, offset: number): SparseRun[] {
  const runs: SparseRun[] = [];
  for (let slot = 0; slot < count; slot++) {
    const start = at + slot * GNU_SPARSE.spanBytes;
    if (block[start] === 0 && block[start + GNU_SPARSE.numberBytes] === 0) continue;
    runs.push({
      at: numberField(block, { at: start, length: GNU_SPARSE.numberBytes }, offset),
      length: numberField(block, { at: start + GNU_SPARSE.numberBytes, length: GNU_SPARSE.numberBytes }, offset),
    });
  }
  return runs;
}

/** The map of pax format 0.0 (repeated pairs) or 0.1 (one list); undefined when the headers hold neither. */
export function paxRuns(pax: PaxValues, offset: number): SparseRun[] | undefined {
  const list = pax.values.get("GNU.sparse.map");
  if (list !== undefined) {
    const numbers =
      list.length === 0
        ? []
        : list
            .toString("latin1")
            .split(",")
            .map((text) => decimal(text, offset));
    return pairs(numbers, offset);
  }
  if (pax.sparsePairs.length === 0) return undefined;
  return pairs(inOrder(pax.sparsePairs, offset), offset);
}

function inOrder(records: readonly PaxRecord[], offset: number): number[] {
  return records.map((record, index) => {
    if (record.keyword !== (index % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes")) {
      throw tarError("BAD_SPARSE", offset, "offsets and lengths of the sparse map do not alternate");
    }
    return decimal(record.value.toString("latin1"), offset);
  });
}

/** The map of pax format 1.0, which begins the data: decimal lines, first the count, then pairs; padded to a block. */
export class SparseMapReader {
  readonly #offset: number;
  readonly #meter: LimitMeter;
  readonly #numbers: number[] = [];
  #line = "";
  #wanted = 1;

  constructor(offset: number, meter: LimitMeter) {
    this.#offset = offset;
    this.#meter = meter;
  }

  /** Takes the next block; the runs when it was the last one. */
  push(block: Buffer): SparseRun[] | undefined {
    let at = 0;
    while (this.#numbers.length < this.#wanted) {
      const newline = block.indexOf(0x0a, at);
      this.#line += block.toString("latin1", at, newline < 0 ? block.length : newline);
      if (this.#line.length > 20)
        throw tarError("BAD_SPARSE", this.#offset, "the sparse map has a line longer than a number");
      if (newline < 0) return undefined;
      this.#numbers.push(decimal(this.#line, this.#offset));
      this.#line = "";
      at = newline + 1;
      if (this.#numbers.length === 1) this.#wanted = 1 + 2 * this.#count();
    }
    return pairs(this.#numbers.slice(1), this.#offset);
  }

  #count(): number {
    const count = this.#numbers[0] as number;
    this.#meter.check("maxSparseSpans", count, this.#offset);
    return count;
  }
}

/** Spans of a sparse file whose stored bytes begin at `dataOffset`. */
export function placeRuns(
  runs: readonly SparseRun[],
  sizeBytes: number,
  storedBytes: number,
  dataOffset: number,
  offset: number,
): TarSpan[] {
  const spans: TarSpan[] = [];
  let stored = 0;
  let end = 0;
  for (const run of runs) {
    if (run.at < end || run.length < 0 || run.at + run.length > sizeBytes) {
      throw tarError(
        "BAD_SPARSE",
        offset,
        `the sparse map's run of ${run.length} bytes at ${run.at} overlaps or leaves the file of ${sizeBytes} bytes`,
      );
    }
    if (run.length > 0) spans.push({ at: run.at, length: run.length, offset: dataOffset + stored });
    end = run.at + run.length;
    stored += run.length;
  }
  if (stored !== storedBytes) {
    throw tarError("BAD_SPARSE", offset, `the sparse map has ${stored} bytes, the entry stores ${storedBytes}`);
  }
  return spans;
}

function pairs(numbers: readonly number[], offset: number): SparseRun[] {
  if (numbers.length % 2 !== 0) throw tarError("BAD_SPARSE", offset, "the sparse map ends in the middle of a pair");
  const runs: SparseRun[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    runs.push({ at: numbers[index] as number, length: numbers[index + 1] as number });
  }
  return runs;
}

function decimal(text: string, offset: number): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw tarError(
      "BAD_SPARSE",
      offset,
      `the sparse map holds ${JSON.stringify(text.slice(0, 40))}, not a number below 2^53`,
    );
  }
  return value;
}
