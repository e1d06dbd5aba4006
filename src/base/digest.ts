// OCI digests (image-spec descriptor.md "Digests"): validated once, then a typed string. Only sha256 is accepted:
// it is the one algorithm that every registry and bootc use.
import { createHash, type Hash } from "node:crypto";
import { SlipwayError } from "./errors.ts";

export class DigestError extends SlipwayError<"BAD_DIGEST" | "DIGEST_MISMATCH" | "SIZE_MISMATCH"> {}

declare const digestBrand: unique symbol;
export type Digest = `sha256:${string}` & { readonly [digestBrand]?: never };

const PATTERN = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return PATTERN.test(text);
}

/** Throws BAD_DIGEST. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new DigestError(
    "BAD_DIGEST",
    `cannot read digest ${JSON.stringify(text.slice(0, 100))}: want sha256: and 64 lower-case hex digits`,
  );
}

/** The hexadecimal part. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}

export function digestOf(bytes: Uint8Array): Digest {
  return finishDigest(createHash("sha256").update(bytes));
}

export function finishDigest(hash: Hash): Digest {
  return `sha256:${hash.digest("hex")}` as Digest;
}

const ZEROS = new Uint8Array(1024 * 1024);

/** Feeds `length` zero bytes to a hash: what a hole reads as. */
export function updateZeros(hash: Hash, length: number): void {
  for (let rest = length; rest > 0; rest -= ZEROS.length) hash.update(ZEROS.subarray(0, Math.min(rest, ZEROS.length)));
}
