// Searches bytes for many patterns in one pass, as Wu and Manber do: a table tells for the last bytes of a window how far the
// next place can be at which a pattern fits. Patterns that fold may have line breaks within.
import { type Pattern, patternsOf } from "./forms.ts";
import { Prefixes } from "./prefixes.ts";
import type { Secret } from "./secret.ts";

const searches = new WeakMap<readonly Secret[], Search>();

/** Made once for a list of secrets: every step and every stream of a build looks for the same. */
export function searchFor(secrets: readonly Secret[]): Search {
  const found = searches.get(secrets) ?? new Search(patternsOf(secrets));
  searches.set(secrets, found);
  return found;
}

/** A part of a pattern that is looked for; what is around it is compared when it was found. */
interface Anchor {
  readonly pattern: Pattern;
  readonly offset: number;
}

/** A longer anchor would not make the search faster. */
const MAX_ANCHOR_BYTES = 16;
/** From here on nearly every pair of bytes is one of some pattern, and three bytes decide. */
const MANY_PATTERNS = 500;
const TRIPLE_BITS = 22;

export class Search {
  readonly isEmpty: boolean;
  /** The longest stretch that one occurrence can take. */
  readonly maxSpanBytes: number;
  readonly #anchorBytes: number;
  readonly #usesTriples: boolean;
  /** By the last bytes of a window: how many bytes it may move on; 0 where an anchor ends in them. */
  readonly #shifts: Uint8Array;
  readonly #anchors = new Map<number, Anchor[]>();
  readonly #plain: Prefixes;
  readonly #folding: Prefixes;

  constructor(patterns: readonly Pattern[]) {
    this.isEmpty = patterns.length === 0;
    this.maxSpanBytes = patterns.reduce((max, pattern) => Math.max(max, spanOf(pattern)), 0);
    this.#anchorBytes = patterns.reduce((min, pattern) => Math.min(min, anchorLimit(pattern)), MAX_ANCHOR_BYTES);
    this.#usesTriples = patterns.length > MANY_PATTERNS;
    const blockBytes = this.#usesTriples ? 3 : 2;
    this.#shifts = new Uint8Array(this.#usesTriples ? 2 ** TRIPLE_BITS : 2 ** 16);
    this.#shifts.fill(this.#anchorBytes - blockBytes + 1);
    for (const pattern of patterns) {
      this.#addAnchor({ pattern, offset: 0 }, blockBytes);
      // A line break can stand in one of two neighbours only.
      if (pattern.folds) this.#addAnchor({ pattern, offset: this.#anchorBytes }, blockBytes);
    }
    this.#plain = new Prefixes(patterns.filter(({ folds }) => !folds));
    this.#folding = new Prefixes(patterns.filter(({ folds }) => folds));
  }

  /** Calls back for every occurrence, in no special order; one that folds may come twice. */
  find(bytes: Uint8Array, onMatch: (start: number, end: number, pattern: Pattern) => void): void {
    if (this.isEmpty) return;
    const shifts = this.#shifts;
    const anchorBytes = this.#anchorBytes;
    const usesTriples = this.#usesTriples;
    const end = bytes.length;
    for (let last = anchorBytes - 1; last < end;) {
      const block = usesTriples ? tripleAt(bytes, last) : pairAt(bytes, last);
      const shift = shifts[block] as number;
      if (shift > 0) {
        last += shift;
        continue;
      }
      for (const { pattern, offset } of this.#anchors.get(block) ?? []) {
        const at = last - anchorBytes + 1;
        const stop = matchForwards(pattern, offset, bytes, at);
        const start = stop === undefined ? undefined : matchBackwards(pattern, offset, bytes, at);
        if (stop !== undefined && start !== undefined) onMatch(start, stop, pattern);
      }
      last++;
    }
  }

  /** Where the first occurrence may begin that goes on behind the end; the length when none does. */
  unfinishedFrom(bytes: Uint8Array): number {
    const from = Math.max(0, bytes.length - this.maxSpanBytes);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.length - from).toString("latin1");
    const unfolded = text.replaceAll(FOLDS, "");
    const place = this.#folding.unfinishedFrom(unfolded);
    const inText = place === unfolded.length ? text.length : placeWithFolds(text, place);
    return from + Math.min(this.#plain.unfinishedFrom(text), inText);
  }

  #addAnchor(anchor: Anchor, blockBytes: number): void {
    const { bytes } = anchor.pattern;
    for (let at = blockBytes - 1; at < this.#anchorBytes; at++) {
      const block = blockBytes === 3 ? tripleAt(bytes, anchor.offset + at) : pairAt(bytes, anchor.offset + at);
      const shift = this.#anchorBytes - 1 - at;
      if ((this.#shifts[block] as number) > shift) this.#shifts[block] = shift;
      if (shift > 0) continue;
      const others = this.#anchors.get(block);
      if (others === undefined) this.#anchors.set(block, [anchor]);
      else others.push(anchor);
    }
  }
}

function pairAt(bytes: Uint8Array, last: number): number {
  return ((bytes[last - 1] as number) << 8) | (bytes[last] as number);
}

function tripleAt(bytes: Uint8Array, last: number): number {
  const triple = ((bytes[last - 2] as number) << 16) | pairAt(bytes, last);
  return Math.imul(triple, 0x9e3779b1) >>> (32 - TRIPLE_BITS);
}

function anchorLimit({ bytes, folds }: Pattern): number {
  return folds ? Math.floor(bytes.length / 2) : bytes.length;
}

/** With room for line breaks, two bytes each, and an indent. */
function spanOf({ bytes, folds }: Pattern): number {
  return folds ? bytes.length + Math.ceil(bytes.length / 4) + 8 : bytes.length;
}

const FOLDS = /[\n\r\t ]/g;

function isFold(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09;
}

/** Where a character is when the line breaks before it count again. */
function placeWithFolds(text: string, place: number): number {
  let at = 0;
  for (let left = place; left > 0 || isFold(text.charCodeAt(at)); at++) if (!isFold(text.charCodeAt(at))) left--;
  return at;
}

/** Where the pattern ends when its byte `offset` is at `at`. */
function matchForwards(
  { bytes: wanted, folds }: Pattern,
  offset: number,
  bytes: Uint8Array,
  at: number,
): number | undefined {
  let position = at;
  for (let index = offset; index < wanted.length; position++) {
    const byte = bytes[position];
    if (byte === wanted[index]) index++;
    else if (byte === undefined || !folds || !isFold(byte)) return undefined;
  }
  return position;
}

/** Where the pattern begins when its byte `offset` is at `at`. */
function matchBackwards(
  { bytes: wanted, folds }: Pattern,
  offset: number,
  bytes: Uint8Array,
  at: number,
): number | undefined {
  let position = at;
  for (let index = offset - 1; index >= 0;) {
    const byte = bytes[--position];
    if (byte === wanted[index]) index--;
    else if (byte === undefined || !folds || !isFold(byte)) return undefined;
  }
  return position;
}
