/** Readers that follow every reference and give up when honest input of this size would have ended. */
import { type Content, readContent } from "../../../src/base/io/index.ts";

const MAX_BYTES = 48 * 1024 ** 2;
const CHUNK_BYTES = 1024 ** 2;

/** Reads what the extents hold, holes aside. */
export async function readAll(content: Content): Promise<void> {
  let left = MAX_BYTES;
  for (const extent of content.extents) {
    for (let done = 0; done < extent.length && left > 0; done += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, extent.length - done);
      await readContent(content, extent.at + done, new Uint8Array(length));
      left -= length;
    }
  }
}

export async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  let left = MAX_BYTES;
  for await (const chunk of stream) {
    left -= chunk.length;
    if (left < 0) return;
  }
}
