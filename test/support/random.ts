/** Numbers that look random and are the same each time (mulberry32), and bytes that do not compress. */
export interface Random {
  /** 0 ≤ x < 1. */
  (): number;
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 0 ≤ n < `below`. */
export function integer(random: Random, below: number): number {
  return Math.floor(random() * below);
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[integer(random, list.length)] as T;
}

export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  const random = randomFrom(seed);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return bytes;
}
