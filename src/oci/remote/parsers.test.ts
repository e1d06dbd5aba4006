// What comes from outside in small pieces: error bodies, Link headers. Anything at all must come to an end in order.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextLink } from "./pages.ts";
import { parseComplaint } from "./registry-error.ts";

describe("parseComplaint", () => {
  it.each([
    ['{"errors":[{"code":"DENIED","message":"no\\n\\u001b[1mway"}]}', { code: "DENIED", message: "no [1mway" }],
    ['{"errors":[{"code":7}]}', { code: "", message: "" }],
    ['{"errors":[]}', { code: "", message: "" }],
    ['{"errors":[null]}', { code: "", message: "" }],
    ["null", { code: "", message: "" }],
    ["<html>", { code: "", message: "" }],
    ["[".repeat(10_000), { code: "", message: "" }],
  ])("reads %s", (text, expected) => {
    expect(parseComplaint(Buffer.from(text))).toEqual(expected);
  });

  it("reads any bytes and any cut", () => {
    const whole = Buffer.from('{"errors":[{"code":"DENIED","message":"no","detail":{}}]}');
    for (let end = 0; end < whole.length; end++)
      expect(parseComplaint(whole.subarray(0, end))).toEqual({ code: "", message: "" });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(parseComplaint(bytes).message.length).toBeLessThanOrEqual(200);
      }),
      { seed: 6, numRuns: 200 },
    );
  });
});

describe("nextLink", () => {
  it.each([
    ['</v2/x/tags/list?last=b&n=2>; rel="next"', "/v2/x/tags/list?last=b&n=2"],
    ["</a>; rel=next", "/a"],
    ['</p>; rel="prev", </n>; title="x"; rel="next"', "/n"],
    ['</p>; rel="prev"', undefined],
    ["</a>", undefined],
    ["</a; rel=next", undefined],
    [undefined, undefined],
  ])("reads %s", (header, expected) => {
    expect(nextLink(header)).toBe(expected);
  });

  it("comes to an end with anything", () => {
    const unit = fc.constantFrom("<", ">", ";", ",", " ", "rel", "=", '"', "next", "/a");
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 60 }), (parts) => {
        expect(nextLink(parts.join(""))?.includes(">") ?? false).toBe(false);
      }),
      { seed: 7, numRuns: 500 },
    );
    const before = performance.now();
    nextLink(`</a>${"; ".repeat(10_000)}`);
    expect(performance.now() - before).toBeLessThan(500);
  });
});
