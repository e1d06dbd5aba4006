// Drives a node:zlib stream as an async generator. The decompressor works in the thread pool: a few chunks are kept in
// flight on both sides, so that it goes on while the caller hashes what came out.
import type { Transform } from "node:stream";

/** A node:zlib stream: `bytesWritten` counts the input it has really used. */
export interface Codec extends Transform {
  readonly bytesWritten: number;
}

/**
 * What `codec` makes of `input`. `onRest` gets what the codec left over when it was done before the input was (for gzip:
 * bytes after the last member), piece by piece; it throws when they must not be there. Errors of the input, of the codec
 * and of `onRest` come out of the generator; leaving it early stops both.
 */
export async function* runCodec(
  codec: Codec,
  input: AsyncIterable<Uint8Array>,
  onRest: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  // Told twice otherwise: errors come out of the loop below or of `feeding`.
  codec.on("error", () => undefined);
  const feeding = feed(codec, input, onRest);
  feeding.catch((error: unknown) => codec.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    for await (const chunk of codec) yield chunk as Uint8Array;
    await feeding;
  } finally {
    codec.destroy();
    await feeding.catch(() => undefined);
  }
}

/** The codec has its next input at hand while the caller prepares the one after. */
const MAX_QUEUED = 3;

async function feed(
  codec: Codec,
  input: AsyncIterable<Uint8Array>,
  onRest: (bytes: Uint8Array) => void,
): Promise<void> {
  let fed = 0;
  let queued = 0;
  let wake: () => void = () => undefined;
  codec.on("end", () => wake());
  codec.on("close", () => wake());
  /** Chunks that the codec may not have used whole, the newest last. */
  let recent: { readonly end: number; readonly bytes: Uint8Array }[] = [];
  for await (const bytes of input) {
    if (bytes.length === 0) continue;
    if (codec.readableEnded) {
      onRest(bytes);
      continue;
    }
    if (codec.destroyed) return;
    fed += bytes.length;
    recent = [...recent.filter(({ end }) => end > codec.bytesWritten), { end: fed, bytes }];
    queued++;
    codec.write(bytes, () => {
      queued--;
      wake();
    });
    while (queued >= MAX_QUEUED && !isOver(codec)) await new Promise<void>((resolve) => (wake = resolve));
  }
  if (!codec.writableEnded && !codec.readableEnded) codec.end();
  while (!isOver(codec)) await new Promise<void>((resolve) => (wake = resolve));
  for (const { end, bytes } of recent) {
    const unused = Math.min(end - codec.bytesWritten, bytes.length);
    if (unused > 0) onRest(bytes.subarray(bytes.length - unused));
  }
}

function isOver(codec: Codec): boolean {
  return codec.readableEnded || codec.destroyed;
}
