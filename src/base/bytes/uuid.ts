// UUIDs (RFC 9562). Ours are derived from a seed, so that the same input gives the same disk; random ones are the
// caller's choice. GPT and other EFI structures store the first three fields little-endian ("mixed-endian").
import { createHash } from "node:crypto";
import { fromHex, hex } from "./bytes.ts";

const PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** 16 bytes in the order they are printed. */
export function parseUuid(text: string): Uint8Array {
  if (!PATTERN.test(text)) throw new RangeError(`not a UUID: ${text.slice(0, 80)}`);
  return fromHex(text.replaceAll("-", ""));
}

export function formatUuid(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new RangeError(`a UUID has 16 bytes, got ${bytes.length}`);
  const text = hex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

/** Swaps between the printed order and the mixed-endian order of EFI structures; its own inverse. */
export function swapGuid(bytes: Uint8Array): Uint8Array {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Uint8Array.from(order, (from) => bytes[from] ?? 0);
}

/** A version 8 UUID from SHA-256 over seed and purpose: equal input, equal UUID. */
export function deriveUuid(seed: string, purpose: string): string {
  const bytes = createHash("sha256").update(seed).update("\0").update(purpose).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return formatUuid(bytes);
}
