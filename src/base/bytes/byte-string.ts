// A byte string holds one byte (0…255) in each UTF-16 unit. File names, link targets and xattr names on Linux are
// bytes without an encoding; kept like this they can be map keys, compare with `<` in bytewise order (which is the
// order ostree, ext4 and tar tools mean by "sorted"), and nothing is lost when a name is not UTF-8.

declare const byteStringBrand: unique symbol;
export type ByteString = string & { readonly [byteStringBrand]?: never };

const decoder = new TextDecoder("utf-8", { fatal: true });

export function bytesToByteString(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export function byteStringToBytes(text: ByteString): Uint8Array {
  return Buffer.from(text, "latin1");
}

export function utf8ToByteString(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The text of a byte string, or undefined when its bytes are not valid UTF-8. */
export function byteStringToUtf8(text: ByteString): string | undefined {
  try {
    return decoder.decode(byteStringToBytes(text));
  } catch {
    return undefined;
  }
}

/** For messages: valid UTF-8 as it is, other bytes as \xNN. */
export function printable(text: ByteString): string {
  const valid = byteStringToUtf8(text);
  const shown = valid ?? text.replace(/[\x80-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
  // Control characters would let a hostile name write to the user's terminal.
  // oxlint-disable-next-line no-control-regex
  return shown.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Bytewise order, for `Array.prototype.sort`. */
export function compareByteStrings(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
