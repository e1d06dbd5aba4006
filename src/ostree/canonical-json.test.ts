import { expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

it("sorts members, keeps lists, and writes numbers and strings as ECMAScript does", () => {
  // The example of RFC 8785, section 3.2.2, and its result of section 3.2.3.
  const value = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  expect(canonicalJson({ b: {}, a: [], "\u{1f600}": 1, "\ufb33": 2 })).toBe('{"a":[],"b":{},"\u{1f600}":1,"\ufb33":2}');
});
