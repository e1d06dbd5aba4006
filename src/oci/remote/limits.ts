// What a registry may cost: time, bytes, attempts. One table; tests shorten the times.
import { MAX_MANIFEST_BYTES } from "../manifest.ts";

export interface RemoteLimits {
  /** DNS, TCP, TLS and a proxy's greeting together. */
  readonly connectMs: number;
  /** From the end of the request to the head of the answer. */
  readonly answerMs: number;
  /** The same after bytes were sent: object stores take minutes to put large blobs together. */
  readonly commitMs: number;
  /** A body in either direction must move `minStallBytes` in each such span of waiting for the other side. */
  readonly stallMs: number;
  readonly minStallBytes: number;
  /** A whole document: manifest, token, error, page of a list. */
  readonly documentMs: number;
  /** Tries of a request in a row that brought nothing new: about 12 s, in which a registry starts again. */
  readonly attempts: number;
  /** The same for a registry that has not answered yet: more often than not its name is wrong. */
  readonly firstAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Pieces of a blob for registries, or proxies before them, that refuse it in one request. */
  readonly chunkBytes: number;
  /** A registry that asks for a longer pause than this is given up. */
  readonly maxRetryAfterMs: number;
}

export const REMOTE_LIMITS: RemoteLimits = {
  connectMs: 30_000,
  answerMs: 60_000,
  commitMs: 600_000,
  stallMs: 60_000,
  minStallBytes: 16 * 1024,
  documentMs: 120_000,
  attempts: 8,
  firstAttempts: 5,
  firstDelayMs: 250,
  maxDelayMs: 4_000,
  chunkBytes: 16 * 1024 * 1024,
  maxRetryAfterMs: 60_000,
};

export const MAX_REDIRECTS = 5;
export const MAX_DOCUMENT_BYTES: number = MAX_MANIFEST_BYTES;
export const MAX_TOKEN_BYTES: number = 64 * 1024;
export const MAX_ERROR_BYTES: number = 64 * 1024;
export const MAX_PAGES = 1000;
export const MAX_TAGS = 100_000;
export const MAX_REFERRERS = 10_000;
/** Bytes that must arrive before the count of failed attempts starts anew: a drip of reconnects does not go on forever. */
export const PROGRESS_BYTES: number = 1024 * 1024;
