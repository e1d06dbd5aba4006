// Streams that are watched or cut on their way.
import type { Hash } from "node:crypto";
import { passOnVerified } from "./verify.ts";

/** The same bytes; `onBytes` hears of each chunk before the reader has it. */
export function countBytes(
  input: AsyncIterable<Uint8Array>,
  onBytes: ((bytes: number) => void) | undefined,
): AsyncIterable<Uint8Array> {
  return onBytes === undefined ? input : passOnVerified(input, count(input, onBytes));
}

async function* count(input: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    onBytes(chunk.length);
    yield chunk;
  }
}

/** The same bytes, which `hash` has seen too. */
export async function* hashBytes(input: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    hash.update(chunk);
    yield chunk;
  }
}

/** What follows the first `skip` bytes. */
export function skipBytes(input: AsyncIterable<Uint8Array>, skip: number): AsyncIterable<Uint8Array> {
  return skip === 0 ? input : skipping(input, skip);
}

async function* skipping(input: AsyncIterable<Uint8Array>, skip: number): AsyncGenerator<Uint8Array> {
  let rest = skip;
  for await (const chunk of input) {
    if (chunk.length > rest) yield rest === 0 ? chunk : chunk.subarray(rest);
    rest -= Math.min(rest, chunk.length);
  }
}
