import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unzstd } from "./reader.ts";
import { zstd } from "./writer.ts";

async function* pieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

async function gather(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const SKIPPABLE = Buffer.from("502a4d1804000000deadbeef", "hex");
const first = Buffer.from("first frame ".repeat(500));
const second = Buffer.from("second");
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const stream = Buffer.concat([
  SKIPPABLE,
  zstdCompressSync(first, checked),
  SKIPPABLE,
  zstdCompressSync(second),
  SKIPPABLE,
]);

describe("unzstd", () => {
  it("reads several frames and passes over skippable ones, however they are cut", async () => {
    for (const step of [1, 7, stream.length]) {
      expect((await gather(unzstd(pieces(stream, step)))).equals(Buffer.concat([first, second]))).toBe(true);
    }
  });

  it.each([
    ["nothing", "TRUNCATED", Buffer.alloc(0)],
    ["a cut frame", "TRUNCATED", stream.subarray(0, 40)],
    ["a cut skippable frame", "TRUNCATED", stream.subarray(0, stream.length - 1)],
    ["bytes after the last frame", "CORRUPT", Buffer.concat([stream, Buffer.from("rest")])],
    ["a changed byte", "CORRUPT", Buffer.from(stream.map((byte, at) => (at === 30 ? byte ^ 0xff : byte)))],
  ])("refuses %s", async (_, code, bytes) => {
    await expect(gather(unzstd(pieces(bytes, 100)))).rejects.toMatchObject({ name: "ZstdError", code });
  });

  it("stops at a bomb", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(8 * 1024 * 1024));
    const limits = { maxRatio: 10, freeBytes: 1024 * 1024 };
    await expect(gather(unzstd(pieces(bomb, 100), limits))).rejects.toMatchObject({ code: "EXPANSION_LIMIT" });
  });
});

describe("zstd", () => {
  it("gives the same bytes each time, which read back, and no empty frame at the end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 3000 }), async (bytes, step) => {
        const packed = await gather(zstd(pieces(bytes, step)));
        expect(packed.equals(await gather(zstd(pieces(bytes, step))))).toBe(true);
        expect((await gather(unzstd(pieces(packed, step)))).equals(Buffer.from(bytes))).toBe(true);
        expect(packed.toString("hex")).not.toMatch(/28b52ffd2000010000$/);
      }),
      { seed: 3, numRuns: 12 },
    );
  });
});
