// The directory hash "half MD4" with signed characters (superblock flag signed_directory_hash), as the kernel's
// fs/ext4/hash.c defines it: MD4's three rounds cut to eight steps each, over 32 bytes of the name at a time.

export interface NameHash {
  /** Sort key; bit 0 is always clear (the index uses it to mark a hash that goes on in the next block). */
  readonly major: number;
  readonly minor: number;
}

const DEFAULT_SEED = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;
/** The two highest even values mean "end of directory" to readdir. */
const END_OF_DIRECTORY = 0xfffffffe;

export type HashSeed = readonly [number, number, number, number];

/** The four words of a 16-byte seed; a seed of zeros means MD4's own constants. */
export function hashSeed(bytes: Uint8Array): HashSeed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words: HashSeed = [
    view.getUint32(0, true),
    view.getUint32(4, true),
    view.getUint32(8, true),
    view.getUint32(12, true),
  ];
  return words.some((word) => word !== 0) ? words : DEFAULT_SEED;
}

const words = new Int32Array(8);

/** Hash of a name whose characters are its bytes. */
export function halfMd4(name: string, seed: HashSeed): NameHash {
  const state = Int32Array.from(seed);
  for (let at = 0; at < name.length; at += 32) {
    loadWords(name, at);
    transform(state);
  }
  const major = ((state[1] as number) & ~1) >>> 0;
  return {
    major: major === END_OF_DIRECTORY ? END_OF_DIRECTORY - 2 : major,
    minor: (state[2] as number) >>> 0,
  };
}

/** Big-endian words of up to 32 characters from `at`; what is missing is padded with the length that was left. */
function loadWords(name: string, at: number): void {
  const left = name.length - at;
  // Names have at most 255 bytes: the length repeated in each byte.
  const pad = Math.imul(left, 0x01010101);
  const count = Math.min(left, 32);
  let word = 0;
  for (let index = 0; index < 8; index++) {
    let value = pad;
    const end = Math.min(count, (index + 1) * 4);
    for (let each = index * 4; each < end; each++) {
      const signed = (name.charCodeAt(at + each) << 24) >> 24;
      value = (signed + (value << 8)) | 0;
    }
    words[word++] = value;
  }
}

const K2 = 0x5a827999;
const K3 = 0x6ed9eba1;

function transform(state: Int32Array): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  const w = (index: number): number => words[index] as number;
  const f = (p: number, x: number, y: number, z: number, add: number, shift: number): number =>
    rotate((p + (z ^ (x & (y ^ z))) + add) | 0, shift);
  const g = (p: number, x: number, y: number, z: number, add: number, shift: number): number =>
    rotate((p + ((x & y) + ((x ^ y) & z)) + add + K2) | 0, shift);
  const h = (p: number, x: number, y: number, z: number, add: number, shift: number): number =>
    rotate((p + (x ^ y ^ z) + add + K3) | 0, shift);

  for (const base of [0, 4]) {
    a = f(a, b, c, d, w(base), 3);
    d = f(d, a, b, c, w(base + 1), 7);
    c = f(c, d, a, b, w(base + 2), 11);
    b = f(b, c, d, a, w(base + 3), 19);
  }
  for (const base of [1, 0]) {
    a = g(a, b, c, d, w(base), 3);
    d = g(d, a, b, c, w(base + 2), 5);
    c = g(c, d, a, b, w(base + 4), 9);
    b = g(b, c, d, a, w(base + 6), 13);
  }
  for (const base of [3, 1]) {
    a = h(a, b, c, d, w(base), 3);
    d = h(d, a, b, c, w(base + 4), 9);
    c = h(c, d, a, b, w(base - 1), 11);
    b = h(b, c, d, a, w(base + 3), 15);
  }
  state[0] = ((state[0] as number) + a) | 0;
  state[1] = ((state[1] as number) + b) | 0;
  state[2] = ((state[2] as number) + c) | 0;
  state[3] = ((state[3] as number) + d) | 0;
}

function rotate(value: number, shift: number): number {
  return (value << shift) | (value >>> (32 - shift));
}
