// Bytes to gzip (RFC 1952), one member, no name, no time: equal input, equal output for one version of zlib.
import { createGzip } from "node:zlib";
import { type Codec, runCodec } from "../../base/stream/index.ts";

const CHUNK_BYTES = 256 * 1024;

export interface GzipOptions {
  /** 1…9; 6 unless told otherwise. */
  readonly level?: number;
}

export async function* gzip(input: AsyncIterable<Uint8Array>, options: GzipOptions = {}): AsyncGenerator<Uint8Array> {
  const codec = createGzip({
    level: options.level ?? 6,
    chunkSize: CHUNK_BYTES,
    writableHighWaterMark: CHUNK_BYTES,
    readableHighWaterMark: 4 * CHUNK_BYTES,
  } as Parameters<typeof createGzip>[0]) as unknown as Codec;
  yield* runCodec(codec, input, () => undefined);
}
