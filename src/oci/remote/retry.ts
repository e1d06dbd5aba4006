// Tries again what may go better the next time: exponential back-off with jitter, or as long as the registry asks for
// with Retry-After (RFC 9110 section 10.2.3).
import { RegistryError } from "./error.ts";
import type { RemoteLimits } from "./limits.ts";

export interface RetryClock {
  readonly limits: RemoteLimits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onRetry: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Counts failures in a row. */
export class Attempts {
  readonly #clock: RetryClock;
  readonly #most: number;
  #failures = 0;

  constructor(clock: RetryClock, most: number = clock.limits.attempts) {
    this.#clock = clock;
    this.#most = most;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Returns when it is time for the next try; throws the error when it is final. */
  async failed(error: unknown): Promise<void> {
    const { limits, random, sleep, onRetry, signal } = this.#clock;
    // Then it was we who closed the connection.
    signal?.throwIfAborted();
    this.#failures++;
    if (!(error instanceof RegistryError) || !error.transient || this.#failures >= this.#most) throw error;
    if ((error.retryAfterMs ?? 0) > limits.maxRetryAfterMs) throw error;
    const backOffMs = Math.min(limits.maxDelayMs, limits.firstDelayMs * 2 ** (this.#failures - 1));
    const delayMs = Math.max(error.retryAfterMs ?? 0, backOffMs * (0.5 + random() / 2));
    onRetry(`${error.message}; trying again in ${(delayMs / 1000).toFixed(1)} s`);
    await sleep(delayMs);
  }
}

export async function retrying<T>(clock: RetryClock, most: number | undefined, once: () => Promise<T>): Promise<T> {
  const attempts = new Attempts(clock, most);
  for (;;) {
    try {
      return await once();
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** Seconds, or a date; undefined for anything else. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = /^[A-Z][a-z]{2}, [0-9A-Za-z :]{10,30} GMT$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
