// A client that neither sends nor takes anything, or only drips, does not hold a connection for ever: over each interval it
// has to move a minimum of bytes while the server waits for it.
import type { Socket } from "node:net";

export interface PaceLimits {
  readonly intervalMs: number;
  readonly minBytesPerInterval: number;
}

export const PACE_LIMITS: PaceLimits = { intervalMs: 60_000, minBytesPerInterval: 16 * 1024 };

/** Watches a transfer on a socket; dispose when it is over. `onSlow` ends it. */
export function watchPace(socket: Socket, limits: PaceLimits, onSlow: () => void): Disposable {
  let movedBefore = socket.bytesRead + socket.bytesWritten;
  const timer = setInterval(() => {
    const moved = socket.bytesRead + socket.bytesWritten;
    if (moved - movedBefore < limits.minBytesPerInterval) onSlow();
    movedBefore = moved;
  }, limits.intervalMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
