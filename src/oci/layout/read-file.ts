// A file, or a part of a random-access source, as a stream of fresh chunks with the next ones already on their way.
import { open } from "node:fs/promises";
import type { Source } from "../../base/io/index.ts";
import { readAhead } from "../../base/stream/index.ts";

const CHUNK_BYTES = 1024 * 1024;
const CHUNKS_AHEAD = 2;

/** Reads what the file has from an offset on, more or less than expected. System errors pass through. */
export async function* streamFile(path: string, start = 0): AsyncGenerator<Uint8Array> {
  await using handle = await open(path, "r");
  yield* readAhead(
    (async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let offset = start; ;) {
        const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
        const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, offset);
        if (bytesRead === 0) return;
        offset += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
    })(),
    CHUNKS_AHEAD,
  );
}

export async function* streamSource(source: Source, offset: number, length: number): AsyncGenerator<Uint8Array> {
  yield* readAhead(
    (async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let done = 0; done < length;) {
        const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, length - done));
        await source.read(offset + done, chunk);
        done += chunk.length;
        yield chunk;
      }
    })(),
    CHUNKS_AHEAD,
  );
}
