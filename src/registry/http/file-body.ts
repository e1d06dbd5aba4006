// A part of a file as a stream of chunks, the next one on its way while the present one is sent. Three buffers take turns:
// fresh memory for each chunk costs as much as copying it.
import type { FileHandle } from "node:fs/promises";
import type { ByteRange } from "./range.ts";

const CHUNK_BYTES = 512 * 1024;
const BUFFERS = 3;

/** A chunk holds until the next but one is asked for. */
export async function* readRange(handle: FileHandle, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
  const chunkBytes = Math.min(CHUNK_BYTES, end - start);
  const buffers = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(chunkBytes));
  const read = async (index: number, offset: number): Promise<Uint8Array> => {
    const buffer = buffers[index % BUFFERS] as Buffer;
    const { bytesRead } = await handle.read(buffer, 0, Math.min(chunkBytes, end - offset), offset);
    if (bytesRead === 0) throw new Error(`a file ended at ${offset}, before ${end}`);
    return buffer.subarray(0, bytesRead);
  };
  if (start === end) return;
  let next = read(0, start);
  try {
    for (let index = 0, offset = start; offset < end; index++) {
      const chunk = await next;
      offset += chunk.length;
      if (offset < end) next = read(index + 1, offset);
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
  }
}
