// Ten minutes of damaged tars, gzip and zstd streams: nothing but our errors, no hang, bounded memory.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "../../src/base/errors.ts";
import { gunzip } from "../../src/formats/gzip/index.ts";
import { TarError, TarParser } from "../../src/formats/tar/index.ts";
import { unzstd } from "../../src/formats/zstd/index.ts";

const VECTORS = join(import.meta.dirname, "../vectors/tar");
const tars = readdirSync(VECTORS)
  .filter((name) => name.endsWith(".tar.gz"))
  .map((name) => gunzipSync(readFileSync(join(VECTORS, name))).subarray(0, 16_384));

const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });

function damage(bytes: Buffer, list: readonly (readonly [at: number, value: number])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, value] of list) copy[at % copy.length] = value;
  return copy;
}

/** Makes header checksums right again, so that the damage is read and not just noticed. */
function repair(tar: Buffer): void {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    if (tar.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    tar.write("        ", at + 148);
    let sum = 0;
    for (let index = at; index < at + 512; index++) sum += tar[index] ?? 0;
    tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148);
  }
}

async function* pieces(bytes: Buffer, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

describe("damaged streams", () => {
  it("tar", () => {
    const before = process.memoryUsage().rss;
    fc.assert(
      fc.property(fc.nat(), changes, fc.boolean(), fc.integer({ min: 1, max: 5000 }), (pick, list, repaired, step) => {
        const tar = damage(tars[pick % tars.length] as Buffer, list);
        if (repaired) repair(tar);
        try {
          const parser = new TarParser({ entry: () => undefined });
          for (let at = 0; at < tar.length; at += step) parser.push(tar.subarray(at, at + step));
          parser.finish();
        } catch (error) {
          expect(error).toBeInstanceOf(TarError);
        }
      }),
      { seed: 1, numRuns: 10_000_000, interruptAfterTimeLimit: 300_000 },
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
  });

  for (const [name, pack, unpack] of [
    ["gzip", gzipSync, gunzip],
    ["zstd", zstdCompressSync, unzstd],
  ] as const) {
    it(name, async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), changes, fc.integer({ min: 1, max: 5000 }), async (pick, list, step) => {
          const packed = pack(tars[pick % tars.length] as Buffer);
          try {
            for await (const chunk of unpack(pieces(damage(Buffer.concat([packed, packed]), list), step))) {
              expect(chunk.length).toBeGreaterThan(0);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(SlipwayError);
          }
        }),
        { seed: 1, numRuns: 10_000_000, interruptAfterTimeLimit: 150_000 },
      );
    });
  }
});
