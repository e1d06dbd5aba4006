// Ways to feed the parser: from a stream, from random access (data is passed over, never read), and as a list.
import type { Source } from "../../base/io/index.ts";
import { tarError } from "./error.ts";
import type { TarEntry } from "./format.ts";
import { DEFAULT_TAR_LIMITS, type TarLimits } from "./limits.ts";
import { type TarHandler, TarParser } from "./parser.ts";

/** Reads a tar stream to its end. Errors: TarError, and whatever the stream throws. */
export async function readTar(
  chunks: AsyncIterable<Uint8Array>,
  handler: TarHandler,
  limits: TarLimits = DEFAULT_TAR_LIMITS,
): Promise<void> {
  const parser = new TarParser(handler, limits);
  for await (const chunk of chunks) parser.push(chunk);
  parser.finish();
}

const WINDOW_BYTES = 16 * 1024;

/** The entries of a tar that is open for random access: reads headers only. */
export async function scanTar(source: Source, limits: TarLimits = DEFAULT_TAR_LIMITS): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const parser = new TarParser({ entry: (entry) => void entries.push(entry) }, limits);
  const window = new Uint8Array(WINDOW_BYTES);
  while (parser.offset < source.sizeBytes && !parser.ended) {
    const part = window.subarray(0, Math.min(WINDOW_BYTES, source.sizeBytes - parser.offset));
    await source.read(parser.offset, part);
    parser.push(part);
    const skippable = parser.skippableBytes;
    if (skippable === 0) continue;
    if (parser.offset + skippable > source.sizeBytes) {
      throw tarError(
        "TRUNCATED",
        parser.offset,
        `the input of ${source.sizeBytes} bytes ends inside the data of an entry`,
      );
    }
    parser.skip();
  }
  parser.finish();
  return entries;
}
