// gzip (RFC 1952) to bytes, through node:zlib in the thread pool. Several members follow one another as one stream.
// Zeros after the last member are padding; anything else there is TRAILING_DATA. Expansion is capped.
import { constants, createGunzip } from "node:zlib";
import { isZero } from "../../base/bytes/index.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { type Codec, ExpansionGuard, type ExpansionLimits, runCodec } from "../../base/stream/index.ts";
import { GzipError } from "./error.ts";

/** Fresh buffers are garbage later: few large ones cost a tenth less than four times as many. */
const CHUNK_BYTES = 2 * 1024 * 1024;
const CHUNKS_AHEAD = 2;

/** Throws GzipError, ExpansionError, and what `input` throws. */
export async function* gunzip(input: AsyncIterable<Uint8Array>, limits?: ExpansionLimits): AsyncGenerator<Uint8Array> {
  const guard = new ExpansionGuard(limits);
  const codec = createGunzip({
    chunkSize: CHUNK_BYTES,
    finishFlush: constants.Z_FINISH,
    readableHighWaterMark: CHUNKS_AHEAD * CHUNK_BYTES,
    writableHighWaterMark: CHUNK_BYTES,
  } as Parameters<typeof createGunzip>[0]) as unknown as Codec;
  try {
    for await (const chunk of runCodec(codec, guard.countInput(input), refuseRest)) {
      guard.addOutput(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw gzipError(error, guard);
  }
}

function refuseRest(bytes: Uint8Array): void {
  if (isZero(bytes)) return;
  throw new GzipError(
    "TRAILING_DATA",
    "cannot decompress gzip data: bytes that are no gzip member follow the last one",
  );
}

function gzipError(error: unknown, guard: ExpansionGuard): unknown {
  const data = { inputBytes: guard.inputBytes, outputBytes: guard.outputBytes };
  const reason = error instanceof Error ? error.message : "";
  switch (systemErrorCode(error)) {
    case "Z_BUF_ERROR":
      return new GzipError(
        "TRUNCATED",
        `cannot decompress gzip data: it ends after ${guard.inputBytes} bytes inside a member`,
        {
          cause: error,
          data,
        },
      );
    case "Z_DATA_ERROR":
    case "Z_NEED_DICT":
    case "Z_STREAM_ERROR":
      return new GzipError(
        "CORRUPT",
        `cannot decompress gzip data: ${reason} after ${guard.outputBytes} bytes of output`,
        {
          cause: error,
          data,
        },
      );
    default:
      return error;
  }
}
