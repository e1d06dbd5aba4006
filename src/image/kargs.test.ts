import { describe, expect, it } from "vitest";
import { findArchitecture } from "./architecture.ts";
import { assertKarg, joinKargs, parseKargsToml } from "./kargs.ts";

const x86 = findArchitecture("x86_64");
if (x86 === undefined) throw new Error("x86_64 is not known");

describe("kernel arguments", () => {
  it("joins in order and drops exact repetitions, with - and _ equal in keys", () => {
    expect(joinKargs(["root=UUID=1", "rw", "a-b=1"], [], ["a_b=1", "a_b=2", "rw"])).toEqual([
      "root=UUID=1",
      "rw",
      "a-b=1",
      "a_b=2",
    ]);
  });
  it("deletes a key with every value, or one value, but never what the caller appends", () => {
    expect(joinKargs(["console=tty0", "console=ttyS0", "quiet"], ["console"], ["console=hvc0"])).toEqual([
      "quiet",
      "console=hvc0",
    ]);
    expect(joinKargs(["console=tty0", "console=ttyS0"], ["console=tty0"], [])).toEqual(["console=ttyS0"]);
  });
  it("reads kargs.d for this architecture only", () => {
    expect(parseKargsToml('kargs = ["a", "b=c"]\n', "f", x86)).toEqual(["a", "b=c"]);
    expect(parseKargsToml('kargs = ["a"]\nmatch-architectures = ["aarch64"]\n', "f", x86)).toEqual([]);
  });
  it.each([
    ["kargs = [1]", /not a list of strings/],
    ["kargs = [", /cannot read f/],
    ['kargs = []\nmatch_architectures = ["x86_64"]', /unknown key "match_architectures"/],
    ["", /kargs is not a list/],
  ])("refuses %j", (text, message) => {
    expect(() => parseKargsToml(text, "f", x86)).toThrow(message);
  });
  it.each(["", "a\nb", "ostree=/x", "ostree"])("refuses argument %j", (karg) => {
    expect(() => assertKarg(karg)).toThrow(/cannot use kernel argument/);
  });
});
