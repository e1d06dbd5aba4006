// What a layer's index is made from: takes the tar parser's entries and data, computes each file's fingerprint and holes
// in the same pass, and passes on one record an entry.
import { createHash, type Hash } from "node:crypto";
import type { ByteString } from "../../base/bytes/index.ts";
import { updateZeros } from "../../base/digest.ts";
import { messageOf } from "../../base/errors.ts";
import type { TarEntry, TarHandler, TarSpan } from "../../formats/tar/index.ts";
import { entryPath } from "../../tree/index.ts";
import { LayerError } from "../error.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { type Run, ZeroRuns } from "./zero-runs.ts";

/** An entry with its paths in the form of LayerEntry, its spans without long runs of zeros. */
export interface LayerRecord extends Omit<TarEntry, "headerOffset"> {
  readonly checksum: string;
}

export class Recorder implements TarHandler {
  readonly #pass: (record: LayerRecord) => void;
  readonly #fingerprint: Fingerprint | undefined;
  #hash: Hash | undefined;
  #hashed = 0;
  #zeroRuns: ZeroRuns | undefined;

  constructor(fingerprint: Fingerprint | undefined, pass: (record: LayerRecord) => void) {
    this.#pass = pass;
    this.#fingerprint = fingerprint;
  }

  entry(entry: TarEntry): void {
    // Early, so that a layer that tries to escape is refused at once.
    safePath(entry.path, entry);
    if (entry.type === "hardlink") safePath(entry.linkTarget, entry);
    if (entry.type !== "file") return;
    this.#hash = this.#fingerprint && createHash("sha256").update(this.#fingerprint.prefix(entry));
    this.#hashed = 0;
    // Files with a map of their own know their holes.
    this.#zeroRuns = isPlain(entry) ? new ZeroRuns() : undefined;
  }

  data(bytes: Buffer, at: number): void {
    this.#hashZeros(at);
    this.#hash?.update(bytes);
    this.#hashed = at + bytes.length;
    this.#zeroRuns?.push(bytes);
  }

  end(entry: TarEntry): void {
    if (entry.type === "file") this.#hashZeros(entry.sizeBytes);
    const zeroRuns = this.#zeroRuns?.finish() ?? [];
    const { headerOffset: _, ...facts } = entry;
    this.#pass({
      ...facts,
      path: entryPath(entry.path),
      linkTarget: entry.type === "hardlink" ? entryPath(entry.linkTarget) : entry.linkTarget,
      spans: zeroRuns.length === 0 ? entry.spans : cutRuns(entry.spans[0], zeroRuns),
      checksum: this.#hash?.digest("hex") ?? "",
    });
    this.#hash = undefined;
    this.#zeroRuns = undefined;
  }

  /** Holes count as zeros. */
  #hashZeros(until: number): void {
    if (this.#hash !== undefined) updateZeros(this.#hash, until - this.#hashed);
    this.#hashed = Math.max(this.#hashed, until);
  }
}

/** The path in the form of LayerEntry. Throws LayerError PATH_ESCAPE. */
function safePath(path: ByteString, entry: TarEntry): ByteString {
  try {
    return entryPath(path);
  } catch (cause) {
    throw new LayerError("PATH_ESCAPE", `the entry at offset ${entry.headerOffset}: ${messageOf(cause)}`, {
      cause,
      data: { offset: entry.headerOffset },
    });
  }
}

function isPlain(entry: TarEntry): boolean {
  return entry.spans.length === 1 && entry.spans[0]?.length === entry.sizeBytes;
}

function cutRuns(span: TarSpan | undefined, runs: readonly Run[]): TarSpan[] {
  const spans: TarSpan[] = [];
  if (span === undefined) return spans;
  let at = 0;
  for (const run of [...runs, { at: span.length, length: 0 }]) {
    if (run.at > at) spans.push({ at, length: run.at - at, offset: span.offset + at });
    at = run.at + run.length;
  }
  return spans;
}
