// Bytes to gzip (RFC 1952) on all threads of the pool: blocks of 1 MiB are deflated apart, each with the 32 KiB before it
// as its dictionary, and follow one another as one deflate stream of one member, as pigz does it. Blocks do not depend
// on how many threads there are: equal input, equal output for one version of zlib, however the input is cut.
import { constants, crc32, deflateRaw } from "node:zlib";
import type { GzipOptions } from "./writer.ts";

const BLOCK_BYTES = 1024 * 1024;
const WINDOW_BYTES = 32 * 1024;
/** Blocks under way: as many as the pool has threads. */
const BLOCKS_AHEAD = 4;

/** No name, no time; operating system "unknown": what gzip of Go writes. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block of fixed codes. */
const END = Buffer.from([0x03, 0x00]);

/** Chunks of the input must not change afterwards. */
export async function* gzipParallel(
  input: AsyncIterable<Uint8Array>,
  options: GzipOptions = {},
): AsyncGenerator<Uint8Array> {
  const level = options.level ?? 6;
  const pending: Promise<Buffer>[] = [];
  let before: Uint8Array = Buffer.alloc(0);
  let crc = 0;
  let sizeBytes = 0;
  yield HEADER;
  try {
    for await (const block of blocksOf(input)) {
      const deflated = deflateBlock(block, before, level);
      // Awaited in its turn.
      deflated.catch(() => undefined);
      pending.push(deflated);
      crc = crc32(block, crc);
      sizeBytes += block.length;
      before = block.subarray(-WINDOW_BYTES);
      if (pending.length >= BLOCKS_AHEAD) yield await (pending.shift() as Promise<Buffer>);
    }
    while (pending.length > 0) yield await (pending.shift() as Promise<Buffer>);
  } finally {
    await Promise.allSettled(pending);
  }
  const end = Buffer.alloc(END.length + 8);
  end.set(END);
  end.writeUInt32LE(crc, END.length);
  end.writeUInt32LE(sizeBytes % 2 ** 32, END.length + 4);
  yield end;
}

function deflateBlock(block: Uint8Array, dictionary: Uint8Array, level: number): Promise<Buffer> {
  const options = {
    level,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: BLOCK_BYTES,
    ...(dictionary.length === 0 ? {} : { dictionary }),
  };
  return new Promise((resolve, reject) => {
    deflateRaw(block, options, (error, deflated) => (error === null ? resolve(deflated) : reject(error)));
  });
}

/** The input in blocks of equal size, the last one shorter. */
async function* blocksOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let filled = 0;
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - filled);
      parts.push(part);
      filled += part.length;
      at += part.length;
      if (filled < BLOCK_BYTES) continue;
      yield parts.length === 1 ? part : Buffer.concat(parts);
      parts = [];
      filled = 0;
    }
  }
  if (filled > 0) yield Buffer.concat(parts);
}
