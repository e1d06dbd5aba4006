import { describe, expect, it } from "vitest";
import { stretches } from "./stretches.ts";

describe("stretches", () => {
  it("leaves out long runs of zero blocks only", () => {
    const bytes = new Uint8Array(40 * 4096 + 10);
    for (const block of [1, 3, 20, 40]) bytes[block * 4096 + 9] = 1;
    expect([...stretches(bytes)].map(([from, to]) => [from / 4096, to])).toEqual([
      [1, 4 * 4096],
      [20, 21 * 4096],
      [40, bytes.length],
    ]);
    expect([...stretches(new Uint8Array(8192))]).toEqual([]);
  });
});
