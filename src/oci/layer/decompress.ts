// A layer's bytes, decompressed by what they are: media types are often wrong about compression, the first bytes never.
import type { ExpansionLimits } from "../../base/stream/index.ts";
import { LONGEST_MAGIC_BYTES, sniffCompression } from "../../formats/compression/index.ts";
import { gunzip } from "../../formats/gzip/index.ts";
import { unzstd } from "../../formats/zstd/index.ts";
import { LayerError } from "../error.ts";
import type { Compression } from "../media-types.ts";

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
  switch (compressionOf(head)) {
    case "gzip":
      return yield* gunzip(whole, limits);
    case "zstd":
      return yield* unzstd(whole, limits);
    case "none":
      return yield* whole;
  }
}

/** Throws LayerError UNSUPPORTED. */
export function compressionOf(head: Uint8Array): Compression {
  const found = sniffCompression(head) ?? "none";
  if (found !== "xz" && found !== "bzip2") return found;
  throw new LayerError("UNSUPPORTED", `it is compressed with ${found}; known are gzip, zstd and none`);
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
