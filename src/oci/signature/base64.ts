// Base64 (RFC 4648 section 4), strict: Buffer.from skips what it does not understand, and several texts would stand for
// the same bytes.

/** Undefined for anything but the one text that stands for the bytes. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
