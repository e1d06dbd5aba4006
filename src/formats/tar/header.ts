// One header block: text and number fields, the checksum. Refuses numbers that are neither octal nor base-256, and
// blocks whose sum matches neither the unsigned nor the signed reading (old tars summed signed chars).
import { tarError } from "./error.ts";
import { BLOCK_BYTES, type Field, FIELD, GNU_MAGIC, GNU_SPARSE, TYPE, USTAR_MAGIC } from "./format.ts";

export interface RawHeader {
  readonly type: string;
  readonly name: string;
  readonly linkname: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  /** Size with holes, of an old GNU sparse entry; else 0. */
  readonly sparseRealSize: number;
  readonly dialect: "ustar" | "gnu" | "v7";
}

/** `offset` is the block's place in the stream, for messages. */
export function decodeHeader(block: Buffer, offset: number): RawHeader {
  verifyChecksum(block, offset);
  const magic = block.toString("latin1", FIELD.magic.at, FIELD.magic.at + FIELD.magic.length);
  // Some writers leave the version blank or unterminated: the first five letters decide.
  const dialect = magic === GNU_MAGIC ? "gnu" : magic.startsWith(USTAR_MAGIC.slice(0, 5)) ? "ustar" : "v7";
  const prefix = dialect === "ustar" ? textField(block, FIELD.prefix) : "";
  const name = textField(block, FIELD.name);
  const type = block.toString("latin1", FIELD.type.at, FIELD.type.at + 1);
  // Writers leave rubbish in the device numbers of entries that are no devices.
  const device = type === TYPE.character || type === TYPE.block;
  return {
    type,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkname: textField(block, FIELD.linkname),
    mode: numberField(block, FIELD.mode, offset) % 0o10000,
    uid: numberField(block, FIELD.uid, offset),
    gid: numberField(block, FIELD.gid, offset),
    size: numberField(block, FIELD.size, offset),
    mtime: numberField(block, FIELD.mtime, offset),
    major: device ? numberField(block, FIELD.devmajor, offset) : 0,
    minor: device ? numberField(block, FIELD.devminor, offset) : 0,
    sparseRealSize: type === TYPE.gnuSparse ? numberField(block, GNU_SPARSE.realSize, offset) : 0,
    dialect,
  };
}

/** The sum over the block with the checksum field as blanks: both readings of a byte. */
export function checksums(block: Uint8Array): { readonly unsigned: number; readonly signed: number } {
  let unsigned = 0;
  let high = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = block[at] as number;
    unsigned += byte;
    high += byte >> 7;
  }
  const { at, length } = FIELD.checksum;
  for (let index = at; index < at + length; index++) {
    const byte = block[index] as number;
    unsigned += 0x20 - byte;
    high -= byte >> 7;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

function verifyChecksum(block: Buffer, offset: number): void {
  const { unsigned, signed } = checksums(block);
  const stored = numberField(block, FIELD.checksum, offset);
  if (stored === unsigned || stored === signed) return;
  throw tarError("BAD_CHECKSUM", offset, `the header's checksum is ${stored}, its bytes give ${unsigned}`, {
    hint: "Check that the input is a tar archive and was copied whole",
  });
}

/** Bytes up to the first NUL. */
export function textField(block: Buffer, { at, length }: Field): string {
  const nul = block.indexOf(0, at);
  return block.toString("latin1", at, nul < 0 || nul > at + length ? at + length : nul);
}

/** Octal digits between blanks and NULs, or base-256 (first byte 0x80: positive, 0xff: negative, two's complement). */
export function numberField(block: Buffer, { at, length }: Field, offset: number): number {
  const first = block[at] as number;
  if (first >= 0x80) return base256(block, at, length, offset);
  let value = 0;
  let index = at;
  const end = at + length;
  while (index < end && block[index] === 0x20) index++;
  for (; index < end; index++) {
    const digit = (block[index] as number) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; index < end && block[index] !== 0; index++) {
    if (block[index] !== 0x20) {
      const text = JSON.stringify(block.toString("latin1", at, end));
      throw tarError("BAD_NUMBER", offset, `the field at byte ${at} holds ${text}, not an octal number`);
    }
  }
  return value;
}

function base256(block: Buffer, at: number, length: number, offset: number): number {
  const first = block[at] as number;
  const negative = first >= 0xc0;
  // The two top bits of the first byte are marker and sign; the rest is the number, high byte first.
  let value = negative ? first - 0x100 : first - 0x80;
  for (let index = at + 1; index < at + length; index++) value = value * 256 + (block[index] as number);
  if (!Number.isSafeInteger(value)) {
    throw tarError("BAD_NUMBER", offset, `the field at byte ${at} holds a number beyond 2^53`);
  }
  return value;
}
