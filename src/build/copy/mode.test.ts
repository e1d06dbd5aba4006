import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChmod } from "./mode.ts";

const FILE = 0o640;
const DIRECTORY = 0o2750;

/** [what is written, what 0640 of a file becomes, what 2750 of a directory becomes] as chmod(1) with umask 0. */
const TABLE: readonly (readonly [text: string, file: number, directory: number])[] = [
  ["644", 0o644, 0o644],
  ["0755", 0o755, 0o755],
  ["4711", 0o4711, 0o4711],
  ["0", 0, 0],
  ["u=rwX,go=rX", 0o644, 0o2755],
  ["a+x", 0o751, 0o2751],
  ["+x", 0o751, 0o2751],
  ["go-rwx", 0o600, 0o2700],
  ["u+s", 0o4640, 0o6750],
  ["+t", 0o1640, 0o3750],
  ["g=u", 0o660, 0o2770],
  ["o=g,g=", 0o604, 0o2705],
  ["u-w+x", 0o540, 0o2550],
  ["a=", 0, 0o2000],
  ["g-s", 0o640, 0o750],
  ["=r", 0o444, 0o2444],
  ["+X", 0o640, 0o2751],
];

describe("parseChmod", () => {
  it.each(TABLE)("reads %s", (text, file, directory) => {
    expect(parseChmod(text)(FILE, false)).toBe(file);
    expect(parseChmod(text)(DIRECTORY, true)).toBe(directory);
  });

  it.each(["", "8", "99999", "17777", "rwx", "u", "u=z", "u=rw,", "u=rw go=r", "-1", "0x1ff", "u=rg"])(
    "refuses %s",
    (text) => {
      expect(() => parseChmod(text)).toThrow(expect.objectContaining({ code: "BAD_VALUE" }));
    },
  );

  it("never makes more than a mode, whatever is written", () => {
    const written = fc.string({ unit: fc.constantFrom(..."ugoa+-=rwxXst,0147".split("")), maxLength: 12 });
    fc.assert(
      fc.property(written, fc.nat(0o7777), fc.boolean(), (text, mode, isDirectory) => {
        let change;
        try {
          change = parseChmod(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "BAD_VALUE" });
          return;
        }
        const changed = change(mode, isDirectory);
        expect(changed >= 0 && changed <= 0o7777).toBe(true);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
