// Content: bytes by reference, sparse. A file in a Tree, a file system image and a whole disk are all of this type:
// a size and the extents that hold data; what no extent covers reads as zeros and is never stored. Writers lay out
// content (pure); encoders stream it; no image ever sits in memory.
import { assertInRange, IoError, MemorySource, type Source } from "./source.ts";

/** `length` bytes of content from position `at`, found in `source` at `sourceOffset`. */
export interface Extent {
  readonly at: number;
  readonly length: number;
  readonly source: Source;
  readonly sourceOffset: number;
}

/** Extents are sorted by `at`, do not overlap, and lie within `sizeBytes`. */
export interface Content {
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
}

export const EMPTY_CONTENT: Content = { sizeBytes: 0, extents: [] };

export function contentOf(bytes: Uint8Array): Content {
  return contentFrom(new MemorySource(bytes), 0, bytes.length);
}

export function contentFrom(source: Source, offset: number, length: number): Content {
  if (length === 0) return EMPTY_CONTENT;
  return { sizeBytes: length, extents: [{ at: 0, length, source, sourceOffset: offset }] };
}

/** Bytes that the extents hold: what a sparse copy stores. */
export function dataBytes(content: Content): number {
  return content.extents.reduce((sum, extent) => sum + extent.length, 0);
}

/** Index of the first extent that ends after `offset`. */
export function firstExtentAfter(extents: readonly Extent[], offset: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const extent = extents[middle];
    if (extent !== undefined && extent.at + extent.length <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Fills `target` with the content from `offset`; holes become zeros. */
export async function readContent(content: Content, offset: number, target: Uint8Array): Promise<void> {
  assertInRange(content.sizeBytes, offset, target.length);
  const end = offset + target.length;
  let filled = offset;
  for (let index = firstExtentAfter(content.extents, offset); index < content.extents.length; index++) {
    const extent = content.extents[index];
    if (extent === undefined || extent.at >= end) break;
    const from = Math.max(extent.at, offset);
    const to = Math.min(extent.at + extent.length, end);
    if (from > filled) target.fill(0, filled - offset, from - offset);
    await extent.source.read(extent.sourceOffset + (from - extent.at), target.subarray(from - offset, to - offset));
    filled = to;
  }
  if (filled < end) target.fill(0, filled - offset);
}

/** All bytes of a content that ought to be small; `what` names it when it is not. Throws IoError LIMIT. */
export async function contentBytes(content: Content, maxBytes: number, what: string = "the file"): Promise<Uint8Array> {
  if (content.sizeBytes > maxBytes) {
    throw new IoError("LIMIT", `cannot read ${what}: it has ${content.sizeBytes} bytes, the limit is ${maxBytes}`);
  }
  const bytes = new Uint8Array(content.sizeBytes);
  await readContent(content, 0, bytes);
  return bytes;
}

/** The content in chunks of at most `chunkBytes`, holes as zeros. The chunk is reused: copy what you keep. */
export async function* streamContent(content: Content, chunkBytes: number = 1024 * 1024): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(chunkBytes, Math.max(content.sizeBytes, 1)));
  for (let offset = 0; offset < content.sizeBytes; offset += buffer.length) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, content.sizeBytes - offset));
    await readContent(content, offset, chunk);
    yield chunk;
  }
}

/** A content as a Source, for code that wants random access. */
export function contentSource(content: Content): Source {
  return { sizeBytes: content.sizeBytes, read: (offset, target) => readContent(content, offset, target) };
}

/** A part of a content, by reference. */
export function sliceContent(content: Content, offset: number, length: number): Content {
  assertInRange(content.sizeBytes, offset, length);
  const extents: Extent[] = [];
  for (let index = firstExtentAfter(content.extents, offset); index < content.extents.length; index++) {
    const extent = content.extents[index];
    if (extent === undefined || extent.at >= offset + length) break;
    const from = Math.max(extent.at, offset);
    const to = Math.min(extent.at + extent.length, offset + length);
    extents.push({
      at: from - offset,
      length: to - from,
      source: extent.source,
      sourceOffset: extent.sourceOffset + (from - extent.at),
    });
  }
  return { sizeBytes: length, extents };
}

/** Several contents side by side in a larger one; throws RangeError when they overlap or stick out. */
export function placeContents(
  sizeBytes: number,
  parts: readonly { readonly at: number; readonly content: Content }[],
): Content {
  const extents: Extent[] = [];
  let end = 0;
  for (const part of parts.toSorted((a, b) => a.at - b.at)) {
    if (part.at < end || part.at + part.content.sizeBytes > sizeBytes) {
      throw new RangeError(`content at ${part.at} (${part.content.sizeBytes} bytes) overlaps or exceeds ${sizeBytes}`);
    }
    end = part.at + part.content.sizeBytes;
    for (const extent of part.content.extents) extents.push({ ...extent, at: extent.at + part.at });
  }
  return { sizeBytes, extents };
}
