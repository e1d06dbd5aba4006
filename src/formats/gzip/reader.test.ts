import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gunzip } from "./reader.ts";
import { gzip } from "./writer.ts";

async function* pieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

async function gather(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const first = Buffer.from("first member ".repeat(500));
const second = Buffer.from("second");
const stream = Buffer.concat([gzipSync(first), gzipSync(second)]);

describe("gunzip", () => {
  it("reads several members, however they are cut", async () => {
    for (const step of [1, 7, stream.length]) {
      expect((await gather(gunzip(pieces(stream, step)))).equals(Buffer.concat([first, second]))).toBe(true);
    }
  });

  it("takes zeros after the last member for padding", async () => {
    const padded = Buffer.concat([stream, Buffer.alloc(1000)]);
    expect((await gather(gunzip(pieces(padded, 99)))).length).toBe(first.length + second.length);
  });

  it("says TRUNCATED wherever it is cut within a member", async () => {
    const member = gzipSync(second);
    for (let length = 0; length < member.length; length += 3) {
      await expect(gather(gunzip(pieces(member.subarray(0, length), 10)))).rejects.toMatchObject({ code: "TRUNCATED" });
    }
  });

  it.each([
    ["bytes after zeros", "TRAILING_DATA", Buffer.concat([stream, Buffer.alloc(100), Buffer.from("rest")])],
    ["bytes after the last member", "CORRUPT", Buffer.concat([stream, Buffer.from("some more bytes")])],
    ["a changed byte", "CORRUPT", Buffer.from(stream.map((byte, at) => (at === 15 ? byte ^ 0xff : byte)))],
    [
      "a wrong checksum",
      "CORRUPT",
      Buffer.from(stream.map((byte, at) => (at === stream.length - 8 ? byte ^ 1 : byte))),
    ],
    ["text", "CORRUPT", Buffer.from("this is no gzip data at all")],
  ])("refuses %s", async (_, code, bytes) => {
    for (const step of [1, 4096]) {
      await expect(gather(gunzip(pieces(bytes, step)))).rejects.toMatchObject({ name: "GzipError", code });
    }
  });

  it("stops at a bomb", async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024));
    const limits = { maxRatio: 10, freeBytes: 1024 * 1024 };
    await expect(gather(gunzip(pieces(bomb, 100), limits))).rejects.toMatchObject({ code: "EXPANSION_LIMIT" });
  });

  it("passes on what the input throws", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield stream.subarray(0, 20);
      throw new Error("the cable was pulled");
    }
    await expect(gather(gunzip(failing()))).rejects.toThrow("the cable was pulled");
  });

  it("can be left early", async () => {
    for await (const chunk of gunzip(pieces(stream, 5))) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });
});

describe("gzip", () => {
  it("gives the same bytes each time, without name and time, which read back", async () => {
    const packed = await gather(gzip(pieces(first, 100)));
    expect(packed.equals(await gather(gzip(pieces(first, 777))))).toBe(true);
    expect(packed.subarray(0, 8).toString("hex")).toBe("1f8b080000000000");
    expect((await gather(gunzip(pieces(packed, 10)))).equals(first)).toBe(true);
  });
});
