import { describe, expect, it } from "vitest";
import { formatPlatform, parsePlatform } from "./platform.ts";

describe("platforms", () => {
  it.each([
    ["arm64", "linux/arm64"],
    ["x86_64", "linux/amd64"],
    ["riscv64", "linux/riscv64"],
    ["linux/arm64/v8", "linux/arm64"],
    // Whoever says both knows better.
    ["linux/foo", "linux/foo"],
    ["linux/constructor", "linux/constructor"],
  ])("%j is %j", (text, wanted) => {
    expect(formatPlatform(parsePlatform(text))).toBe(wanted);
  });

  it.each(["foo", "linux", "arm46", "constructor"])("%j alone is refused: it is no architecture", (text) => {
    expect(() => parsePlatform(text)).toThrow(
      expect.objectContaining({
        code: "BAD_PLATFORM",
        message: `cannot read platform "${text}": there is no architecture of that name`,
        hint: expect.stringContaining("amd64, arm, arm64") as string,
      }) as Error,
    );
  });

  it.each(["", "a/b/c/d", "LINUX", "linux/"])("%j is refused", (text) => {
    expect(() => parsePlatform(text)).toThrow(/want os\/architecture/);
  });
});
