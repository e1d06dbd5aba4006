import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Content,
  contentBytes,
  type Extent,
  placeContents,
  readContent,
  sliceContent,
  streamContent,
} from "./content.ts";
import { MemorySource } from "./source.ts";

/** A random sparse content beside the plain bytes that it stands for. */
const sparse = fc
  .array(fc.record({ gap: fc.nat(20), data: fc.uint8Array({ minLength: 1, maxLength: 20 }) }), { maxLength: 8 })
  .chain((runs) => fc.nat(10).map((tail) => ({ runs, tail })))
  .map(({ runs, tail }) => {
    const extents: Extent[] = [];
    const plain: number[] = [];
    for (const { gap, data } of runs) {
      plain.push(...Array<number>(gap).fill(0));
      const source = new MemorySource(Uint8Array.from([9, 9, ...data]));
      extents.push({ at: plain.length, length: data.length, source, sourceOffset: 2 });
      plain.push(...data);
    }
    plain.push(...Array<number>(tail).fill(0));
    const content: Content = { sizeBytes: plain.length, extents };
    return { content, plain: Uint8Array.from(plain) };
  });

describe("content", () => {
  it("reads any range, holes as zeros", async () => {
    await fc.assert(
      fc.asyncProperty(sparse, fc.nat(200), fc.nat(200), async ({ content, plain }, a, b) => {
        const [from, to] = [Math.min(a, b, plain.length), Math.min(Math.max(a, b), plain.length)];
        const target = new Uint8Array(to - from).fill(7);
        await readContent(content, from, target);
        expect(target).toEqual(plain.subarray(from, to));
      }),
      { seed: 1, numRuns: 200 },
    );
  });
  it("slices by reference", async () => {
    await fc.assert(
      fc.asyncProperty(sparse, fc.nat(200), fc.nat(200), async ({ content, plain }, a, b) => {
        const from = Math.min(a, plain.length);
        const length = Math.min(b, plain.length - from);
        expect(await contentBytes(sliceContent(content, from, length), 1000)).toEqual(plain.slice(from, from + length));
      }),
      { seed: 2, numRuns: 200 },
    );
  });
  it("streams what it reads", async () => {
    await fc.assert(
      fc.asyncProperty(sparse, fc.integer({ min: 1, max: 30 }), async ({ content, plain }, chunkBytes) => {
        const parts: Uint8Array[] = [];
        for await (const chunk of streamContent(content, chunkBytes)) parts.push(Uint8Array.from(chunk));
        expect(Uint8Array.from(Buffer.concat(parts))).toEqual(plain);
      }),
      { seed: 3, numRuns: 100 },
    );
  });
  it("places contents side by side and refuses overlaps", async () => {
    const part: Content = {
      sizeBytes: 2,
      extents: [{ at: 0, length: 2, source: new MemorySource(Uint8Array.of(1, 2)), sourceOffset: 0 }],
    };
    expect(
      await contentBytes(
        placeContents(7, [
          { at: 4, content: part },
          { at: 1, content: part },
        ]),
        7,
      ),
    ).toEqual(Uint8Array.of(0, 1, 2, 0, 1, 2, 0));
    expect(() =>
      placeContents(7, [
        { at: 4, content: part },
        { at: 3, content: part },
      ]),
    ).toThrow(/overlaps/);
    expect(() => placeContents(5, [{ at: 4, content: part }])).toThrow(/exceeds/);
  });
  it("refuses to read past the end", async () => {
    await expect(readContent({ sizeBytes: 3, extents: [] }, 2, new Uint8Array(2))).rejects.toMatchObject({
      code: "OUT_OF_RANGE",
    });
  });
});
