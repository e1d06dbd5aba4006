// Bytes to zstd (RFC 8878), one frame with a content checksum. Each write is awaited before the next and before the end:
// Node's encoder appends an empty frame, or does not, when writes are still queued at the end, and then a layer's digest
// would depend on timing.
import { once } from "node:events";
import { constants, createZstdCompress } from "node:zlib";

const CHUNK_BYTES = 256 * 1024;

export interface ZstdOptions {
  /** 1…19; 3 unless told otherwise. */
  readonly level?: number;
}

export async function* zstd(input: AsyncIterable<Uint8Array>, options: ZstdOptions = {}): AsyncGenerator<Uint8Array> {
  const codec = createZstdCompress({
    chunkSize: CHUNK_BYTES,
    params: {
      [constants.ZSTD_c_compressionLevel]: options.level ?? 3,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  const output: Uint8Array[] = [];
  codec.on("data", (chunk: Uint8Array) => output.push(chunk));
  try {
    for await (const chunk of input) {
      if (chunk.length === 0) continue;
      await new Promise<void>((resolve, reject) => {
        codec.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      yield* output.splice(0);
    }
    const ended = once(codec, "end");
    codec.end();
    await ended;
    yield* output.splice(0);
  } finally {
    codec.destroy();
  }
}
