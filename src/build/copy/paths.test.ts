import { describe, expect, it } from "vitest";
import { cleanPath } from "./paths.ts";

describe("cleanPath", () => {
  it.each([
    ["", ""],
    ["/", ""],
    ["./a//b/./c/", "a/b/c"],
    ["../a/../../b", "b"],
  ])("makes %j %j", (path, clean) => expect(cleanPath(path)).toBe(clean));
});
