// Cuts a zstd stream where its frames end (RFC 8878 section 3.1), without decompressing: Node's decoder takes one frame
// in one write and drops what follows it there. Refuses bytes between frames that start none, and reserved fields.
import {
  BLOCK_HEADER_BYTES,
  BLOCK_TYPE,
  CHECKSUM_BYTES,
  CONTENT_SIZE_BYTES,
  DESCRIPTOR,
  DICTIONARY_ID_BYTES,
  FRAME_MAGIC,
  SKIPPABLE_MAGIC,
  SKIPPABLE_MAGIC_COUNT,
} from "./format.ts";
import { ZstdError } from "./error.ts";

type Field = "magic" | "skippableSize" | "descriptor" | "blockHeader";

export class FrameCutter {
  /** The field that is read next, after `#pass` bytes that are of no interest here. */
  #field: Field = "magic";
  #pass = 0;
  #value = 0;
  #filled = 0;
  #checksumBytes = 0;
  #lastBlock = false;
  #offset = 0;
  #frames = 0;

  /** True when no frame is open. */
  get isBetweenFrames(): boolean {
    return this.#field === "magic" && this.#filled === 0 && this.#pass === 0;
  }

  /** Data frames that have begun. */
  get frames(): number {
    return this.#frames;
  }

  /** Slices of `chunk`, cut at the ends of frames. */
  *cut(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#pass > 0) {
        const passed = Math.min(this.#pass, chunk.length - at);
        this.#pass -= passed;
        at += passed;
        this.#offset += passed;
      } else {
        this.#value += (chunk[at++] as number) * 256 ** this.#filled++;
        this.#offset++;
        if (this.#filled === FIELD_BYTES[this.#field]) this.#endField();
      }
      if (this.isBetweenFrames && at > start) {
        yield chunk.subarray(start, at);
        start = at;
      }
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }

  #endField(): void {
    const value = this.#value;
    const field = this.#field;
    this.#value = 0;
    this.#filled = 0;
    if (field === "magic") this.#magic(value);
    else if (field === "skippableSize") this.#next("magic", value);
    else if (field === "descriptor") this.#descriptor(value);
    else this.#blockHeader(value);
  }

  #next(field: Field, pass: number): void {
    this.#field = field;
    this.#pass = pass;
  }

  #magic(value: number): void {
    if (value >= SKIPPABLE_MAGIC && value < SKIPPABLE_MAGIC + SKIPPABLE_MAGIC_COUNT) this.#next("skippableSize", 0);
    else if (value === FRAME_MAGIC) {
      this.#frames++;
      this.#next("descriptor", 0);
    } else this.#refuse(`0x${value.toString(16)} starts no frame`);
  }

  #descriptor(byte: number): void {
    if (DESCRIPTOR.isReserved(byte)) this.#refuse("a reserved bit of the frame header is set");
    const single = DESCRIPTOR.isSingleSegment(byte);
    const sizeFlag = DESCRIPTOR.contentSizeFlag(byte);
    const sizeBytes = sizeFlag === 0 && single ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
    const dictionaryBytes = DICTIONARY_ID_BYTES[DESCRIPTOR.dictionaryFlag(byte)] ?? 0;
    this.#checksumBytes = DESCRIPTOR.hasChecksum(byte) ? CHECKSUM_BYTES : 0;
    this.#next("blockHeader", (single ? 0 : 1) + dictionaryBytes + sizeBytes);
  }

  #blockHeader(value: number): void {
    this.#lastBlock = value % 2 === 1;
    const type = Math.floor(value / 2) % 4;
    const size = Math.floor(value / 8);
    if (type === BLOCK_TYPE.reserved) this.#refuse("a block has the reserved type");
    const stored = type === BLOCK_TYPE.rle ? 1 : size;
    if (this.#lastBlock) this.#next("magic", stored + this.#checksumBytes);
    else this.#next("blockHeader", stored);
  }

  #refuse(found: string): never {
    throw new ZstdError("CORRUPT", `cannot decompress zstd data: ${found}, before offset ${this.#offset}`, {
      data: { offset: this.#offset },
    });
  }
}

const FIELD_BYTES: Readonly<Record<Field, number>> = {
  magic: 4,
  skippableSize: 4,
  descriptor: 1,
  blockHeader: BLOCK_HEADER_BYTES,
};
