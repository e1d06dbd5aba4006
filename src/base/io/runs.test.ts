import { describe, expect, it } from "vitest";
import { type Content, MemorySource } from "./index.ts";
import { dataRuns } from "./runs.ts";

const source = new MemorySource(new Uint8Array(0));

function content(...extents: [at: number, length: number][]): Content {
  return { sizeBytes: 1000, extents: extents.map(([at, length]) => ({ at, length, source, sourceOffset: 0 })) };
}

describe("dataRuns", () => {
  it("joins what touches the same or the next grain", () => {
    expect(dataRuns(content([1, 1], [5, 3], [9, 2], [40, 5], [999, 1]), 8)).toEqual([
      { at: 0, length: 16 },
      { at: 40, length: 8 },
      { at: 992, length: 8 },
    ]);
  });

  it("finds nothing in a hole", () => {
    expect(dataRuns(content(), 8)).toEqual([]);
    expect(dataRuns(content([16, 0]), 8)).toEqual([]);
  });
});
