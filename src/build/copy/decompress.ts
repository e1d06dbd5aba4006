// The decompressors of ADD: gzip and zstd in this process, xz and bzip2 by their programs.
// Expansion is capped.
import { readContent, type Content } from "../../base/io/index.ts";
import { ProcessError, start, waitFor } from "../../base/process/index.ts";
import { ExpansionGuard } from "../../base/stream/index.ts";
import type { FoundCompression } from "../../formats/compression/index.ts";
import { gunzip } from "../../formats/gzip/index.ts";
import { unzstd } from "../../formats/zstd/index.ts";
import { BuildError } from "../error.ts";

const CHUNK_BYTES = 512 * 1024;

/** Throws what the decompressors throw; BuildError UNSUPPORTED when a program is missing. */
export async function* decompress(
  compression: FoundCompression,
  content: Content,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const input = freshChunks(content, signal);
  if (compression === "gzip") yield* gunzip(input);
  else if (compression === "zstd") yield* unzstd(input);
  else yield* through(compression, input, signal);
}

/** Decompressors keep chunks while the next are read. */
async function* freshChunks(content: Content, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < content.sizeBytes; offset += CHUNK_BYTES) {
    signal.throwIfAborted();
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, content.sizeBytes - offset));
    await readContent(content, offset, chunk);
    yield chunk;
  }
}

async function* through(
  program: "xz" | "bzip2",
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const guard = new ExpansionGuard();
  const child = start(program, ["-dc"], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = waitFor(child, program, { signal });
  // Heard of below, or when the reader leaves early.
  ended.catch(() => undefined);
  const feeding = feed(child.stdin as NodeJS.WritableStream, guard.countInput(input));
  feeding.catch(() => child.kill());
  try {
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
      guard.addOutput(chunk.length);
      yield chunk;
    }
    const exitCode = await ended.catch((error: unknown) => {
      throw missing(program, error);
    });
    await feeding;
    if (exitCode !== 0) throw new BuildError("BAD_VALUE", `cannot decompress it: ${program} exited with ${exitCode}`);
  } finally {
    child.kill();
  }
}

async function feed(stdin: NodeJS.WritableStream, input: AsyncIterable<Uint8Array>): Promise<void> {
  let isOpen = true;
  // A program that stops early closes its input: its exit code tells why.
  stdin.on("error", () => (isOpen = false));
  stdin.on("close", () => (isOpen = false));
  for await (const chunk of input) {
    if (!isOpen) return;
    await new Promise<void>((resolve) => stdin.write(chunk, () => resolve()));
  }
  stdin.end();
}

function missing(program: string, error: unknown): unknown {
  if (!(error instanceof ProcessError) || error.code !== "NOT_INSTALLED") return error;
  return new BuildError(
    "UNSUPPORTED",
    `cannot unpack an archive: it is compressed with ${program}, which is not installed`,
    {
      cause: error,
      hint: `Install ${program === "xz" ? "xz-utils" : "bzip2"}, or compress the archive with gzip or zstd`,
    },
  );
}
