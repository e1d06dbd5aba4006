import { describe, expect, it } from "vitest";
import { utf8ToByteString } from "../../base/bytes/index.ts";
import { halfMd4, hashSeed } from "./hash.ts";

// From debugfs 1.47.0: dx_hash -h half_md4 [-s seed] name.
const NO_SEED = new Uint8Array(16);
const SEED = Buffer.from("fedcba98765443218fedcba987654321", "hex");
const VECTORS: [name: string, seed: Uint8Array, major: number, minor: number][] = [
  ["a", NO_SEED, 0xd5fa7d7a, 0xacb48187],
  ["hello", SEED, 0xa167c09c, 0xe613f696],
  ["lost+found", NO_SEED, 0x591de422, 0x6ffc56e0],
  ["n".repeat(31), NO_SEED, 0x8c30a756, 0x1ff17ec],
  ["n".repeat(32), SEED, 0x83a00e02, 0x8ed581f5],
  ["n".repeat(33), NO_SEED, 0xd9bf70b0, 0xfde97b5b],
  ["x".repeat(255), SEED, 0x659d1996, 0xf1a5782d],
  [utf8ToByteString("grüße"), NO_SEED, 0xd75e0ad8, 0xfefc474e],
];

describe("halfMd4", () => {
  it.each(VECTORS)("hashes %s", (name, seed, major, minor) => {
    expect(halfMd4(name, hashSeed(seed))).toEqual({ major, minor });
  });
});
