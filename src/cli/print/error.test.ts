import { describe, expect, it } from "vitest";
import { SlipwayError } from "../../base/errors.ts";
import { SizeError } from "../../base/size.ts";
import { exitCodeOf } from "../exit-code.ts";
import { errorJson, formatError } from "./error.ts";

class ExampleError extends SlipwayError<"EXAMPLE" | "BAD_OPTION"> {}

describe("errors", () => {
  const error = new ExampleError("EXAMPLE", "cannot do it: found a, want b", {
    hint: "Do this",
    cause: new Error("inner", { cause: new Error("innermost") }),
    data: { path: "/x" },
  });
  it("print message and hint, causes only when asked", () => {
    expect(formatError(error, false)).toBe("slipway: cannot do it: found a, want b\n  Do this.\n");
    expect(formatError(error, true)).toContain("because: inner\n  because: innermost\n");
  });
  it("end a hint with one full stop", () => {
    expect(formatError(new ExampleError("EXAMPLE", "m", { hint: "Do this." }), false)).toBe("slipway: m\n  Do this.\n");
  });
  it("are JSON with code and facts", () => {
    expect(errorJson(error)).toEqual({
      error: "ExampleError",
      code: "EXAMPLE",
      message: "cannot do it: found a, want b",
      hint: "Do this",
      path: "/x",
    });
  });
  it("that we did not expect are called a bug, with their stack", () => {
    expect(formatError(new TypeError("oops"), false)).toMatch(/this is a bug: TypeError: oops\n\s+at /);
  });
  it("map to exit codes in one place", () => {
    expect(exitCodeOf(error)).toBe(1);
    expect(exitCodeOf(new SizeError("BAD_SIZE", "x"))).toBe(2);
    // A format that was given bad input uses the same word.
    expect(exitCodeOf(new ExampleError("BAD_OPTION", "x"))).toBe(1);
    expect(exitCodeOf(new DOMException("stopped", "AbortError"))).toBe(130);
    expect(exitCodeOf("anything")).toBe(1);
  });

  it("calls Ctrl-C by its name", () => {
    const error = new DOMException("This operation was aborted", "AbortError");
    expect(formatError(error, true)).toBe("slipway: interrupted\n");
    expect(errorJson(error)).toMatchObject({ code: "ABORTED" });
  });
});
