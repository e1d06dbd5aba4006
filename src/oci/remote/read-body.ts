// The body of an answer: as a stream that must keep coming, or whole, with a cap on size and time.
import { concatBytes } from "../../base/bytes/index.ts";
import { RegistryError } from "./error.ts";
import type { RemoteLimits } from "./limits.ts";
import { networkError, timeoutError } from "./network-error.ts";
import { StallWatch } from "./stall.ts";
import type { Answer } from "./transport.ts";

/** Leaving early closes the connection. Throws RegistryError UNREACHABLE, TIMEOUT. */
export async function* readBody(answer: Answer, limits: RemoteLimits): AsyncGenerator<Uint8Array> {
  const { body, attempt, url } = answer;
  using watch = new StallWatch(limits, () =>
    body.destroy(timeoutError(attempt, url.host, "sends almost nothing", limits.stallMs)),
  );
  try {
    watch.waiting = true;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      watch.waiting = false;
      watch.moved(chunk.length);
      yield chunk;
      watch.waiting = true;
    }
  } catch (error) {
    throw error instanceof RegistryError ? error : networkError(attempt, url.host, error);
  }
}

/** Throws RegistryError BAD_RESPONSE for a longer one, TIMEOUT for a slower one. */
export async function readDocument(answer: Answer, maxBytes: number, limits: RemoteLimits): Promise<Uint8Array> {
  const { body, attempt, url } = answer;
  const timer = setTimeout(
    () => body.destroy(timeoutError(attempt, url.host, "has not come to the end of a document", limits.documentMs)),
    limits.documentMs,
  );
  try {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of readBody(answer, limits)) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) {
        throw new RegistryError(
          "BAD_RESPONSE",
          `cannot ${attempt}: ${url.host} sends a document of more than ${maxBytes} bytes`,
          { data: { host: url.host, maxBytes } },
        );
      }
      chunks.push(chunk);
    }
    return concatBytes(chunks);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets go of a body that nobody needs; the connection stays if little is left to come. */
export function discard(answer: Answer): void {
  answer.body.on("error", () => undefined);
  const length = Number(answer.headers["content-length"] ?? Infinity);
  if (answer.body.readableEnded || length <= KEEP_BYTES || hasNoBody(answer)) answer.body.resume();
  else answer.body.destroy();
}

const KEEP_BYTES = 64 * 1024;

function hasNoBody({ status, body }: Answer): boolean {
  return status === 204 || status === 304 || (body.complete && body.readableLength === 0);
}
