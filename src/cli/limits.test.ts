import { describe, expect, it } from "vitest";
import { readLimits } from "./limits.ts";

describe("limits", () => {
  it("are the table's, each with its option", () => {
    expect(readLimits({}).tar).toMatchObject({
      maxEntries: 2_000_000,
      maxPathBytes: 4096,
      maxPaxBytes: 1024 ** 2,
      maxXattrBytes: 65_536,
      maxEntryBytes: 256 * 1024 ** 3,
      maxTotalBytes: 1024 ** 4,
    });
    expect(readLimits({ maxEntries: "5", maxPathBytes: "10", maxEntryBytes: "4G" }).tar).toMatchObject({
      maxEntries: 5,
      maxPathBytes: 10,
      maxEntryBytes: 4 * 1024 ** 3,
    });
    expect(readLimits({ maxExpansion: "20" }).expansion).toMatchObject({ maxRatio: 20, freeBytes: 1024 ** 3 });
  });
  it("refuse what is no size", () => {
    expect(() => readLimits({ maxEntries: "many" })).toThrow(/cannot read size "many"/);
  });
});
