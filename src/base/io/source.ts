// Random access to bytes: the currency between files, blobs, partitions and disks.
import { SlipwayError } from "../errors.ts";

export class IoError extends SlipwayError<
  | "OUT_OF_RANGE"
  | "TRUNCATED"
  | "READ_FAILED"
  | "WRITE_FAILED"
  | "NO_SPACE"
  | "READ_ONLY"
  | "EXISTS"
  | "NOT_FOUND"
  | "LOCKED"
  | "LIMIT"
> {}

/** Reads fill the whole target or throw; reading past `sizeBytes` is OUT_OF_RANGE. */
export interface Source {
  readonly sizeBytes: number;
  read(offset: number, target: Uint8Array): Promise<void>;
}

/** Bytes that are never written read as zeros. */
export interface Sink {
  write(offset: number, bytes: Uint8Array): Promise<void>;
}

export function assertInRange(sizeBytes: number, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > sizeBytes) {
    throw new IoError(
      "OUT_OF_RANGE",
      `cannot read ${length} bytes at offset ${offset}: the source has ${sizeBytes} bytes`,
      { data: { offset, length, sizeBytes } },
    );
  }
}

/** A fresh array with the bytes of a range. For ranges that are known to be small. */
export async function readBytes(source: Source, offset: number, length: number): Promise<Uint8Array> {
  assertInRange(source.sizeBytes, offset, length);
  const target = new Uint8Array(length);
  await source.read(offset, target);
  return target;
}

export class MemorySource implements Source {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  read(offset: number, target: Uint8Array): Promise<void> {
    assertInRange(this.sizeBytes, offset, target.length);
    target.set(this.#bytes.subarray(offset, offset + target.length));
    return Promise.resolve();
  }
}
