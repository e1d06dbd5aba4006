// Object names: SHA-256, 32 bytes inside objects, 64 lower-case hex digits in paths, refs and text.
import { hash } from "node:crypto";
import { hex } from "../../base/bytes/index.ts";
import { OstreeFormatError } from "./errors.ts";

const PATTERN = /^[0-9a-f]{64}$/;

export function isChecksum(text: string): boolean {
  return PATTERN.test(text);
}

/** Throws BAD_CHECKSUM. */
export function checksumToBytes(checksum: string): Uint8Array {
  // Hot: three for each name of an image. 64 characters that give 32 bytes are hexadecimal.
  const bytes = Buffer.from(checksum, "hex");
  if (checksum.length === 64 && bytes.length === 32 && checksum === checksum.toLowerCase()) return bytes;
  throw new OstreeFormatError(
    "BAD_CHECKSUM",
    `cannot use ostree checksum "${checksum.slice(0, 80)}": want 64 lower-case hex digits`,
  );
}

/** Throws BAD_CHECKSUM when there are not 32 bytes. */
export function checksumFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 32) return hex(bytes);
  throw new OstreeFormatError("BAD_CHECKSUM", `cannot read an ostree checksum: found ${bytes.length} bytes, want 32`);
}

/** The checksum of a commit, dirtree or dirmeta: of its bytes as they are stored. */
export function checksumOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}
