// zstd (RFC 8878) to bytes, through node:zlib in the thread pool. Frames follow one another as one stream, skippable
// frames (zstd:chunked's tables) are passed over. Expansion is capped; windows above 128 MiB are refused by the decoder.
import { createZstdDecompress } from "node:zlib";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { type Codec, ExpansionGuard, type ExpansionLimits, runCodec } from "../../base/stream/index.ts";
import { ZstdError } from "./error.ts";
import { FrameCutter } from "./frames.ts";

/** Fresh buffers are garbage later: few large ones cost a tenth less than four times as many. */
const CHUNK_BYTES = 2 * 1024 * 1024;
const CHUNKS_AHEAD = 4;

/** Throws ZstdError, ExpansionError, and what `input` throws. */
export async function* unzstd(input: AsyncIterable<Uint8Array>, limits?: ExpansionLimits): AsyncGenerator<Uint8Array> {
  const guard = new ExpansionGuard(limits);
  const codec = createZstdDecompress({
    chunkSize: CHUNK_BYTES,
    readableHighWaterMark: CHUNKS_AHEAD * CHUNK_BYTES,
    writableHighWaterMark: CHUNK_BYTES,
  } as Parameters<typeof createZstdDecompress>[0]) as unknown as Codec;
  try {
    for await (const chunk of runCodec(codec, frames(guard.countInput(input)), refuseRest)) {
      guard.addOutput(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw zstdError(error, guard);
  }
}

async function* frames(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const cutter = new FrameCutter();
  for await (const chunk of input) yield* cutter.cut(chunk);
  if (!cutter.isBetweenFrames || cutter.frames === 0) {
    throw new ZstdError("TRUNCATED", "cannot decompress zstd data: it ends inside a frame");
  }
}

function refuseRest(): void {
  throw new ZstdError("CORRUPT", "cannot decompress zstd data: a frame's data ends before the frame");
}

function zstdError(error: unknown, guard: ExpansionGuard): unknown {
  const code = systemErrorCode(error);
  const data = { inputBytes: guard.inputBytes, outputBytes: guard.outputBytes };
  if (error instanceof ZstdError || code === undefined) return error;
  if (code === "Z_BUF_ERROR") {
    return new ZstdError(
      "TRUNCATED",
      `cannot decompress zstd data: it ends after ${guard.inputBytes} bytes inside a frame`,
      { cause: error, data },
    );
  }
  if (!code.startsWith("ZSTD_") && !code.startsWith("Z_")) return error;
  return new ZstdError(
    "CORRUPT",
    `cannot decompress zstd data: ${messageOf(error)} after ${guard.outputBytes} bytes of output`,
    {
      cause: error,
      data,
    },
  );
}
