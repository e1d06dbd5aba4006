// The body of a request: written as fast as the other side takes it. The last chunk is held back until the source has
// come to its end, so that a source which turns out to be wrong never makes a complete request.
import { type ClientRequest } from "node:http";
import type { RemoteLimits } from "./limits.ts";
import { timeoutError } from "./network-error.ts";
import { StallWatch } from "./stall.ts";

export interface RequestBody {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What is written at once, and waited for: small enough that a slow peer is not taken for a stalled one. */
const WRITE_BYTES = 256 * 1024;

/** Throws only what the source throws; errors of the request are the request's. Stops when an answer comes early. */
export async function sendBody(
  request: ClientRequest,
  body: RequestBody | undefined,
  attempt: string,
  limits: RemoteLimits,
): Promise<void> {
  if (body === undefined) {
    request.end();
    return;
  }
  const host = request.host;
  using watch = new StallWatch(limits, () =>
    request.destroy(timeoutError(attempt, host, "takes no data", limits.stallMs)),
  );
  let isOver = false;
  let wake: () => void = () => undefined;
  for (const event of ["response", "close"]) {
    request.on(event, () => {
      isOver = true;
      wake();
    });
  }
  request.on("drain", () => wake());
  const write = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length && !isOver; at += WRITE_BYTES) {
      const part = bytes.subarray(at, at + WRITE_BYTES);
      if (!request.write(part)) {
        watch.waiting = true;
        await new Promise<void>((resolve) => (wake = resolve));
        watch.waiting = false;
      }
      watch.moved(part.length);
    }
  };
  let held: Uint8Array | undefined;
  for await (const chunk of body.bytes) {
    if (held !== undefined) await write(held);
    if (isOver) return;
    held = chunk;
  }
  if (held !== undefined && held.length > WRITE_BYTES) {
    const rest = held.length % WRITE_BYTES || WRITE_BYTES;
    await write(held.subarray(0, held.length - rest));
    held = held.subarray(held.length - rest);
  }
  if (!isOver) request.end(held);
}
