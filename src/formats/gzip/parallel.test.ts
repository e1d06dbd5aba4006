import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzipParallel } from "./parallel.ts";

/** Neither random nor regular, the same every time. */
function sample(bytes: number): Buffer {
  const lines: string[] = [];
  for (let index = 0, length = 0; length < bytes; index++) {
    const line = createHash("md5")
      .update(String(index % 5000))
      .digest("hex")
      .repeat(2);
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join("")).subarray(0, bytes);
}

async function* cut(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function compress(bytes: Uint8Array, chunkBytes = 1 << 20): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(gzipParallel(cut(bytes, chunkBytes), { level: 1 })));
}

const MIB = 1024 * 1024;

describe("gzipParallel", () => {
  it.each([0, 1, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB, 5_000_000])("packs %i bytes as one member", async (bytes) => {
    const input = sample(bytes);
    const packed = await compress(input);
    expect(packed.subarray(0, 10).toString("hex")).toBe("1f8b08000000000000ff");
    expect(gunzipSync(packed).equals(input)).toBe(true);
  });

  it("gives the same bytes however the input is cut", async () => {
    const input = sample(3 * MIB + 12_345);
    const whole = await compress(input);
    for (const chunkBytes of [77_777, 999_999, 4 * MIB])
      expect((await compress(input, chunkBytes)).equals(whole)).toBe(true);
  });

  it("uses what is before a block", async () => {
    const noise = createHash("shake256", { outputLength: 16 * 1024 })
      .update("x")
      .digest();
    // Its second half begins with what the first half ends with.
    const input = Buffer.concat([Buffer.alloc(MIB - noise.length), noise, noise]);
    expect((await compress(input)).length).toBeLessThan(noise.length * 1.5);
  });

  it("passes on the errors of its input, and stops with its reader", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield sample(2 * MIB);
      throw new Error("no more");
    }
    await expect(Array.fromAsync(gzipParallel(failing()))).rejects.toThrow("no more");
    for await (const chunk of gzipParallel(cut(sample(6 * MIB), MIB), { level: 1 })) if (chunk.length > 100) break;
  });
});
