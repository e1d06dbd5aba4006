import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIdMap, identityMap, parseIdMap, rangeMap } from "./id-maps.ts";

describe("id maps", () => {
  it("are read as the kernel shows them", () => {
    expect(parseIdMap("         0          0 4294967295\n")).toEqual([{ inside: 0, outside: 0, count: 4294967295 }]);
    expect(parseIdMap("0 1000 1\n1 100000 65536\n")).toEqual([
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100_000, count: 65_536 },
    ]);
    expect(parseIdMap("0 0\n-1 0 1\nx y z\n0 0 0\n0 0 99999999999\n")).toEqual([]);
  });
  it("are passed on as they are inside", () => {
    expect(formatIdMap(identityMap(parseIdMap("0 1000 1\n1 100000 65536\n")))).toBe("0 0 1\n1 1 65536\n");
  });
});

describe("ranges of subuid(5)", () => {
  it.each([
    ["u:100000:65536\n", [[1, 100_000, 65_535]]],
    [
      "1000:100000:10\nv:5:5\nu:200000:20\n",
      [
        [1, 100_000, 10],
        [11, 200_000, 20],
      ],
    ],
    [
      "u:100000:65000\nu:300000:65536\n",
      [
        [1, 100_000, 65_000],
        [65_001, 300_000, 535],
      ],
    ],
  ])("of %j come after the user's own id", (text, ranges) => {
    const expected = ranges.map(([inside, outside, count]) => ({ inside, outside, count }));
    expect(rangeMap(text, "u", 1000, 1000)).toEqual([{ inside: 0, outside: 1000, count: 1 }, ...expected]);
  });
  it.each(["", "v:100000:65536", "u:100000", "u:x:y", "u:0:65536", "u:100000:0", "u:-5:10"])(
    "there is none in %j",
    (text) => expect(rangeMap(text, "u", 1000, 1000)).toBeUndefined(),
  );
  it("never overlap inside and never leave 16 bits, whatever the file says", () => {
    const line = fc.tuple(
      fc.constantFrom("u", "1000", "v", ""),
      fc.nat(2 ** 33),
      fc.integer({ min: -2, max: 2 ** 33 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 400 }), (lines) => {
        const map = rangeMap(lines.map((parts) => parts.join(":")).join("\n"), "u", 1000, 1000) ?? [];
        expect(map.length).toBeLessThanOrEqual(340);
        let next = 0;
        for (const { inside, count } of map) {
          expect(inside).toBe(next);
          next += count;
        }
        expect(next).toBeLessThanOrEqual(65_536);
      }),
      { seed: 5, numRuns: 50 },
    );
  });
});
