// A layer's bytes, decompressed by what they are: media types are often wrong about compression, the first bytes never.
import type { ExpansionLimits } from "../../base/stream/index.ts";
import { gunzip } from "../../formats/gzip/index.ts";
import { unzstd } from "../../formats/zstd/index.ts";
import { LayerError } from "../error.ts";
import type { Compression } from "../media-types.ts";

/** So many bytes of the beginning tell. */
export const LONGEST_MAGIC_BYTES = 6;

/** Throws LayerError UNSUPPORTED for other compressions, and what the decompressors throw. */
export async function* decompress(
  input: AsyncIterable<Uint8Array>,
  limits: ExpansionLimits,
): AsyncGenerator<Uint8Array> {
  const iterator = input[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < LONGEST_MAGIC_BYTES) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    head =
      head.length === 0 ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.concat([head, value]);
  }
  const whole = rejoin(head, iterator);
  switch (sniffCompression(head)) {
    case "gzip":
      return yield* gunzip(whole, limits);
    case "zstd":
      return yield* unzstd(whole, limits);
    case "none":
      return yield* whole;
  }
}

export function sniffCompression(head: Buffer): Compression {
  const magic = head.toString("hex", 0, LONGEST_MAGIC_BYTES);
  if (magic.startsWith("1f8b")) return "gzip";
  // A frame, or a skippable frame (0x184d2a50 … 5f).
  if (magic.startsWith("28b52ffd") || /^5[0-9a-f]2a4d18/.test(magic)) return "zstd";
  const other = magic.startsWith("fd377a585a00") ? "xz" : magic.startsWith("425a68") ? "bzip2" : undefined;
  if (other === undefined) return "none";
  throw new LayerError("UNSUPPORTED", `it is compressed with ${other}; known are gzip, zstd and none`);
}

async function* rejoin(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (;;) {
      const { done, value } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}
