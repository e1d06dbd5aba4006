/** Seeded damage: to bytes at the places that matter to binary formats, and to the structure of JSON documents. */
import { crc32 } from "node:zlib";
import { integer, pick, type Random } from "../../support/random.ts";

const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const BLOCK = 512;
const MAX_EDITS = 6;

/** A damaged copy; never longer than the original and 64 KiB. */
export function mutateBytes(random: Random, original: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(original);
  const edits = 1 + integer(random, MAX_EDITS);
  for (let edit = 0; edit < edits; edit++) bytes = pick(random, EDITS)(random, bytes);
  return bytes.subarray(0, original.length + 65_536);
}

type Edit = (random: Random, bytes: Buffer) => Buffer;

const EDITS: readonly Edit[] = [
  (random, bytes) => {
    for (let flips = 1 + integer(random, 8); flips > 0; flips--) {
      const at = integer(random, bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << integer(random, 8));
    }
    return bytes;
  },
  (random, bytes) => putNumber(random, bytes),
  (random, bytes) => putNumber(random, bytes),
  (random, bytes) => {
    const at = integer(random, bytes.length + 1);
    return bytes.fill(
      pick(random, [0, 0xff, 0x20, 0x30, 0x37, 0x2f, 0x2e]),
      at,
      Math.min(at + 1 + integer(random, 64), bytes.length),
    );
  },
  (random, bytes) => bytes.subarray(0, integer(random, bytes.length + 1)),
  (random, bytes) => {
    const at = integer(random, bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + integer(random, 1024))]);
  },
  // Whole blocks again, elsewhere.
  (random, bytes) => {
    const blocks = Math.floor(bytes.length / BLOCK) + 1;
    const from = integer(random, blocks) * BLOCK;
    const to = integer(random, blocks) * BLOCK;
    const piece = Buffer.from(bytes.subarray(from, from + BLOCK * (1 + integer(random, 8))));
    if (random() < 0.5) return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]);
    piece.copy(bytes, to);
    return bytes;
  },
  // Digits where a number stands as text.
  (random, bytes) => {
    const at = firstDigit(bytes, integer(random, bytes.length + 1));
    if (at >= 0) bytes.write(pick(random, ["7777777", "8", "-1", "0", "99999999", " ", "1e9", "\x80"]), at, "latin1");
    return bytes;
  },
  (random, bytes) => {
    const words = [
      "../",
      "/",
      "\0",
      ".wh.",
      ".wh..wh..opq",
      "\n",
      "=",
      "usr",
      "etc/",
      "SCHILY.xattr.",
      "GNU.sparse.map=",
    ];
    bytes.write(pick(random, words), integer(random, bytes.length + 1), "latin1");
    return bytes;
  },
];

function putNumber(random: Random, bytes: Buffer): Buffer {
  const width = pick(random, [1, 2, 4, 8]);
  if (bytes.length < width) return bytes;
  // On a boundary mostly: fields are aligned.
  const at = integer(random, Math.floor(bytes.length / width)) * width;
  const value = pick(random, EDGES) + (random() < 0.3 ? integer(random, 5) - 2 : 0);
  if (width === 8) {
    const wide = BigInt.asUintN(64, BigInt(value) * (random() < 0.3 ? 0x1_0000_0001n : 1n));
    if (random() < 0.5) bytes.writeBigUInt64LE(wide, at);
    else bytes.writeBigUInt64BE(wide, at);
    return bytes;
  }
  const narrow = ((value % 2 ** (8 * width)) + 2 ** (8 * width)) % 2 ** (8 * width);
  if (random() < 0.5) bytes.writeUIntLE(narrow, at, width);
  else bytes.writeUIntBE(narrow, at, width);
  return bytes;
}

function firstDigit(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) return at;
  }
  return -1;
}

/** Numbers and bits changed at places that hold something, where a small part of a file does. */
export function mutateAt(random: Random, original: Buffer, places: readonly number[]): Buffer {
  const bytes = Buffer.from(original);
  for (let edits = 1 + integer(random, 3); edits > 0; edits--) {
    const at = pick(random, places);
    const window = bytes.subarray(at - (at % 8), at - (at % 8) + 8);
    if (random() < 0.4) window[at % 8] = (window[at % 8] ?? 0) ^ (1 << integer(random, 8));
    else if (random() < 0.8) putNumber(random, window);
    else bytes.copy(window, 0, pick(random, places));
  }
  return bytes;
}

/** Offsets of the bytes that are not zero. */
export function filledPlaces(bytes: Buffer, from: number, to: number): number[] {
  const places: number[] = [];
  for (let at = from; at < Math.min(to, bytes.length); at++) if (bytes[at] !== 0) places.push(at);
  return places;
}

/** Makes the checksums of tar headers right again, so that the damage gets past them. */
export function sealTar(bytes: Buffer): Buffer {
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.toString("latin1", 257, 262) !== "ustar") continue;
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  }
  return bytes;
}

/** Makes the checksums of a GUID partition table's primary copy right again. */
export function sealGpt(bytes: Buffer): Buffer {
  if (bytes.length < 2 * BLOCK) return bytes;
  const header = bytes.subarray(BLOCK, 2 * BLOCK);
  const start = Number(header.readBigUInt64LE(72)) * BLOCK;
  const length = header.readUInt32LE(80) * header.readUInt32LE(84);
  if (start + length <= bytes.length) header.writeUInt32LE(crc32(bytes.subarray(start, start + length)), 88);
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header.subarray(0, Math.min(header.readUInt32LE(12), BLOCK))), 16);
  return bytes;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** JSON text with another structure, or broken as text. */
export function mutateJson(random: Random, text: string): Buffer {
  if (random() < 0.15) return mutateBytes(random, Buffer.from(text));
  const document = { root: JSON.parse(text) as Json };
  for (let edits = 1 + integer(random, 4); edits > 0; edits--) editNode(random, document);
  return Buffer.from((JSON.stringify(document.root) ?? "").replaceAll(JSON.stringify(DEEP), DEEP_TEXT));
}

function editNode(random: Random, document: { root: Json }): void {
  const places: { holder: { [key: string]: Json }; key: string }[] = [];
  const collect = (holder: { [key: string]: Json }, key: string): void => {
    places.push({ holder, key });
    const value = holder[key];
    if (typeof value === "object" && value !== null) {
      const inner = value as { [key: string]: Json };
      for (const each of Object.keys(inner)) collect(inner, each);
    }
  };
  collect(document, "root");
  const { holder, key } = pick(random, places);
  const old = holder[key];
  const action = integer(random, 5);
  if (action === 0 && key !== "root") delete holder[key];
  else if (action === 1)
    Object.defineProperty(holder, pick(random, NAMES), {
      value: old,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else if (action === 2 && typeof old === "string") holder[key] = damagedText(random, old);
  else if (action === 3 && Array.isArray(old)) holder[key] = [...old, ...old, valueFrom(random)];
  else holder[key] = valueFrom(random);
}

const NAMES = ["__proto__", "constructor", "toString", "", "urls", "data", "layers", "manifests", "platform", "rootfs"];
/** Stands for what JSON.stringify itself could not write. */
const DEEP = "@deep@";
const DEEP_TEXT = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
const VALUES: readonly Json[] = [
  null,
  true,
  -1,
  0,
  1e308,
  2 ** 53,
  1.5,
  "",
  "x",
  "\u0000",
  "ü\ud800",
  "a".repeat(5000),
  "sha256:",
  "linux/amd64",
  "9999-99-99T99:99:99Z",
  "0000-01-01T00:00:00Z",
  `sha256:${"0".repeat(64)}`,
  [],
  {},
  [[]],
  [null],
  { "": {} },
  DEEP,
];

/** Fresh: it will be edited in its turn. */
function valueFrom(random: Random): Json {
  return JSON.parse(JSON.stringify(pick(random, VALUES))) as Json;
}

function damagedText(random: Random, text: string): string {
  const at = integer(random, text.length + 1);
  return (
    text.slice(0, at) + pick(random, ["", "\n", "\u0000", "é", "../", "A", "0"]) + text.slice(at + integer(random, 3))
  );
}
