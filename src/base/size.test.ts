import { describe, expect, it } from "vitest";
import { formatSize, parseSize } from "./size.ts";

describe("size", () => {
  it.each([
    ["4096", 4096],
    ["10G", 10 * 1024 ** 3],
    ["1.5 GiB", 1.5 * 1024 ** 3],
    ["2kB", 2000],
    ["512MiB", 512 * 1024 ** 2],
  ])("reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
  it.each(["", "ten", "-5", "5X", "1e400", "99999999T"])("refuses %s", (text) => {
    expect(() => parseSize(text)).toThrow(/cannot read size/);
  });
  it("prints what people read", () => {
    expect([37, 1536, 512 * 1024 ** 2, 1.4 * 1024 ** 3].map(formatSize)).toEqual([
      "37 B",
      "1.5 KiB",
      "512 MiB",
      "1.4 GiB",
    ]);
  });
});
