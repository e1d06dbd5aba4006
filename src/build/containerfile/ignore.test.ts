import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIgnoreFile } from "./ignore.ts";
import { compilePattern } from "./pattern.ts";

describe("a pattern", () => {
  it.each<[string, string[], string[]]>([
    ["a/b", ["a/b"], ["a", "a/b/c", "x/a/b"]],
    ["./a//b/", ["a/b"], []],
    ["*", ["a", ".a", "é"], ["a/b"]],
    ["*.txt", ["a.txt", ".txt"], ["a/b.txt", "a.txt2"]],
    ["a?c", ["abc", "aéc", "a😀c"], ["a/c", "ac"]],
    ["[a-c]x", ["ax", "cx"], ["dx"]],
    ["[^a-c]x", ["dx"], ["ax"]],
    ["[\\]\\-]", ["]", "-"], ["\\"]],
    ["\\*", ["*"], ["a"]],
    ["a.b", ["a.b"], ["axb"]],
    ["**", ["a", "a/b", ""], []],
    ["**/x", ["x", "a/x", "a/b/x"], ["ax", "x/a"]],
    ["a/**", ["a/b", "a/b/c"], ["a", "ab"]],
    ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]],
    ["**/*.pyc", ["a.pyc", "b/c.pyc"], ["pyc"]],
    ["**.txt", ["a.txt", "b/a.txt"], ["a.txt/b"]],
    ["a**/c", ["ac", "ab/c", "a/b/c"], ["abc"]],
  ])("%s", (pattern, matching, others) => {
    const matches = compilePattern(pattern);
    expect(matching.filter((path) => !matches(path))).toEqual([]);
    expect(others.filter((path) => matches(path))).toEqual([]);
  });

  it.each(["[", "[a", "[]", "[^]", "[a-", "[a-]", "[b-a]", "a\\", "x".repeat(5000)])("%s is refused", (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(/cannot read (the|a) pattern/);
  });

  it("takes time in proportion", () => {
    const start = performance.now();
    expect(compilePattern(`${"*a".repeat(200)}b`)("a".repeat(4000))).toBe(false);
    expect(compilePattern(`a${"**/?*".repeat(700)}`)("b".repeat(4000))).toBe(false);
    expect(compilePattern(`${"*/**".repeat(500)}b`)("a/".repeat(500))).toBe(false);
    expect(compilePattern(`${"**/a".repeat(100)}?b`)(`${"a/".repeat(2000)}ab`)).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("agrees with the regular expression that it stands for", () => {
    const pattern = fc.array(fc.constantFrom("a", "b", "/", "*", "?", "[ab]", "[^a]"), { minLength: 1, maxLength: 7 });
    const path = fc.string({ unit: fc.constantFrom("a", "b", "c", "/"), maxLength: 8 });
    const asRegExp: Readonly<Record<string, string>> = { "*": "[^/]*", "?": "[^/]" };
    fc.assert(
      fc.property(pattern, path, (parts, each) => {
        const text = parts.join("");
        fc.pre(!text.includes("**") && !/\/\/|\/$/.test(text));
        const expression = new RegExp(`^${parts.map((part) => asRegExp[part] ?? part).join("")}$`);
        expect(compilePattern(text)(each)).toBe(expression.test(each));
      }),
      { seed: 7, numRuns: 500, interruptAfterTimeLimit: 2000 },
    );
  });
});

const rules = (text: string): ReturnType<typeof parseIgnoreFile> =>
  parseIgnoreFile(Buffer.from(text), ".containerignore");

describe("an ignore file", () => {
  it.each<[string, string[], string[]]>([
    ["", [], ["a", "."]],
    ["# x\n\n  a  \n", ["a", "a/b", "a/b/c"], ["b", "# x", "."]],
    ["/a", ["a"], ["b/a"]],
    ["*.md\n!README.md", ["a.md"], ["README.md", "b/a.md"]],
    ["*\n!src", ["a", "a/b"], ["src", "src/x"]],
    ["*\n!src\nsrc/x", ["a", "src/x", "src/x/y"], ["src", "src/y"]],
    ["!a\na", ["a"], []],
    ["a/../b", ["b"], ["a"]],
    ["**/node_modules", ["node_modules", "a/node_modules/x"], ["a"]],
    ["*", ["a"], [".", ""]],
    ["!  /a/ \nb", ["b"], ["a"]],
    ["\ufeffa\r\nb\r\n", ["a", "b"], []],
  ])("%j", (text, excluded, included) => {
    expect(excluded.filter((path) => !rules(text).excludes(path, false))).toEqual([]);
    expect(included.filter((path) => rules(text).excludes(path, false))).toEqual([]);
  });

  it.each<[string, string[], string[]]>([
    ["a", ["a", "a/b"], ["b"]],
    ["*\n!src/x", ["a"], ["src"]],
    ["*\n!**/x", [], ["a", "src"]],
    ["a\nb\n!a/*/keep", ["b"], ["a", "a/b"]],
  ])("%j lets directories be passed over", (text, pruned, walked) => {
    expect(pruned.filter((path) => !rules(text).prunes(path))).toEqual([]);
    expect(walked.filter((path) => rules(text).prunes(path))).toEqual([]);
  });

  it("says where a bad pattern is", () => {
    expect(() => rules("a\n  [b")).toThrow(".containerignore:2:3: cannot read the pattern");
    expect(() => rules("!")).toThrow(".containerignore:1:1: no pattern follows '!'");
    expect(() => rules("a\n".repeat(10_001))).toThrow("more than 10000 patterns");
  });

  it("never passes over a directory with something included in it", () => {
    const line = fc.array(fc.constantFrom("a", "b", "/", "*", "**", "!", "?"), { minLength: 1, maxLength: 5 });
    const paths = ["a", "b", "a/a", "a/b", "b/a", "a/b/a", "a/b/b", "b/b/a"];
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
        const text = lines.map((parts) => parts.join("")).join("\n");
        fc.pre(!lines.some((parts) => /^!+$/.test(parts.join(""))));
        const found = rules(text);
        for (const directory of paths.filter((path) => found.prunes(path)))
          for (const path of paths.filter((each) => each.startsWith(`${directory}/`)))
            expect([text, path, found.excludes(path, false)]).toEqual([text, path, true]);
      }),
      { seed: 11, numRuns: 100, interruptAfterTimeLimit: 2000 },
    );
  });
});
