import { describe, expect, it } from "vitest";
import { closedStdio, inheritedDescriptors } from "./inherited.ts";

describe("descriptors of a child", () => {
  it("are those given, and nothing else that works", () => {
    expect(closedStdio<number | "pipe">([7, 8, 9, "pipe"], [], 7)).toEqual([7, 8, 9, "pipe"]);
    expect(closedStdio<number | "pipe">([7, 8, 9, "pipe"], [3, 6], 7)).toEqual([
      7,
      8,
      9,
      "pipe",
      "ignore",
      "ignore",
      7,
    ]);
  });
  it("do not count those that Node keeps to itself", () => {
    for (const fd of inheritedDescriptors()) expect(fd).toBeGreaterThan(2);
  });
});
