import { describe, expect, it } from "vitest";
import { parseChunkRange, parseRange } from "./range.ts";

describe("parseRange of ten bytes", () => {
  it.each([
    ["bytes=0-3", { start: 0, end: 4 }],
    ["bytes=4-", { start: 4, end: 10 }],
    ["bytes=-3", { start: 7, end: 10 }],
    ["bytes=-99", { start: 0, end: 10 }],
    ["bytes=5-99", { start: 5, end: 10 }],
    ["bytes=9-9", { start: 9, end: 10 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", undefined],
    ["bytes=0-1,3-4", undefined],
    ["lines=0-1", undefined],
    ["bytes=-", undefined],
    ["bytes=a-b", undefined],
    [undefined, undefined],
  ])("reads %s", (header, wanted) => {
    expect(parseRange(header, 10)).toEqual(wanted);
  });
});

describe("parseChunkRange", () => {
  it.each([
    ["0-0", { start: 0, end: 1 }],
    ["5-9", { start: 5, end: 10 }],
    ["bytes 5-9/10", { start: 5, end: 10 }],
    ["9-5", undefined],
    ["5", undefined],
    ["-5", undefined],
    ["1e3-2000", undefined],
  ])("reads %s", (header, wanted) => {
    expect(parseChunkRange(header)).toEqual(wanted);
  });
});
