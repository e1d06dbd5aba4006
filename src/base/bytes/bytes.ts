// Small helpers on byte arrays. Sizes and offsets are plain numbers up to 2^53 and never meet a bit operator.

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function utf8(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** Bytes of a hexadecimal text; throws RangeError when it is not one. */
export function fromHex(text: string): Uint8Array {
  const bytes = Buffer.from(text, "hex");
  if (bytes.length * 2 !== text.length) throw new RangeError(`not hexadecimal: ${text.slice(0, 80)}`);
  return bytes;
}

/** Rounds up to a multiple of `unit`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

export function alignDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

export function ceilDiv(value: number, unit: number): number {
  return Math.ceil(value / unit);
}

const ZEROS = Buffer.alloc(65536);

export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const end = Math.min(at + ZEROS.length, bytes.length);
    if (Buffer.compare(bytes.subarray(at, end), ZEROS.subarray(0, end - at)) !== 0) return false;
  }
  return true;
}
