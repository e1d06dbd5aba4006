import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertRefName, escapeRef, imageRef, unescapeRef } from "./ref-name.ts";

describe("escaping for refs", () => {
  it.each([
    ["sha256:ab", "sha256_3A_ab"],
    ["docker://quay.io/a/b:42", "docker_3A__2F__2F_quay_2E_io/a/b_3A_42"],
    ["a_b", "a__b"],
    ["a/", "a_2F_"],
    ["/a", "_2F_a"],
    ["ü", "_FC_"],
    ["a\tb", "a_09_b"],
    ["😀", "_1F600_"],
  ])("%s", (plain, escaped) => {
    expect(escapeRef(plain)).toBe(escaped);
    expect(unescapeRef(escaped)).toBe(plain);
  });

  it("gives names that are allowed, and comes back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }), (text) => {
        expect(unescapeRef(escapeRef(text))).toBe(text);
        // ostree refuses a part that begins with "-", and ostree-ext does not escape it: no registry has such names.
        if (!/(?:^|\/)-/.test(text)) expect(assertRefName(imageRef(text))).toBe(imageRef(text));
      }),
      { seed: 3, numRuns: 500, interruptAfterTimeLimit: 1000 },
    );
  });

  it.each(["", "/a", "a//b", "a/", "../a", "a/.b", "a b", "a/../b", "0".repeat(64), "a\n"])(
    "refuses ref %j",
    (name) => {
      expect(() => assertRefName(name)).toThrow(/ostree ref/);
    },
  );

  it("refuses what no escape gives", () => {
    for (const text of ["a_", "_zz_", "_110000_", "_2F"]) expect(() => unescapeRef(text)).toThrow(/bad escape/);
    expect(() => escapeRef("")).toThrow(/empty/);
  });
});
