import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuildError } from "../error.ts";
import { expandHeredoc, expandWord, splitWords, type Variables } from "./expansion.ts";

const VALUES: Readonly<Record<string, string>> = {
  HOME: "/root",
  EMPTY: "",
  BLANKS: "a b  c",
  PATH: "/usr/lib/x.tar.gz",
  GLOB: "*",
  QUOTES: "'\"$HOME",
  größe: "9",
};
const variables: Variables = (name) => (Object.hasOwn(VALUES, name) ? VALUES[name] : undefined);

describe("a word", () => {
  it.each<[string, string]>([
    ["plain", "plain"],
    ["a'b c'd\"e f\"", "ab cde f"],
    ["a\\ b\\'c\\\\", "a b'c\\"],
    ["end\\", "end"],
    ["'\\a$HOME'", "\\a$HOME"],
    ['"\\a\\"\\$\\\\$HOME"', '\\a"$\\/root'],
    ["$HOME/x", "/root/x"],
    ["${HOME}x $HOME.", "/rootx /root."],
    ["$UNSET|${UNSET}|", "||"],
    ["$QUOTES", "'\"$HOME"],
    ["$größe", "9"],
    ["$ $. a$", "$ $. a$"],
    ["\\$HOME \\${HOME}", "$HOME ${HOME}"],
    ["$1x $12x $@ $# $? $$ $! ${1:-y}", "x x      y"],
    ["${UNSET-a} ${EMPTY-a} ${HOME-a}", "a  /root"],
    ["${UNSET:-a} ${EMPTY:-a} ${HOME:-a}", "a a /root"],
    ["${UNSET+a} ${EMPTY+a} ${HOME+a}", " a a"],
    ["${UNSET:+a} ${EMPTY:+a} ${HOME:+a}", "  a"],
    ["${EMPTY?no} ${HOME:?no}", " /root"],
    ['${UNSET:-${EMPTY:-"$HOME}"}x}', "/root}x"],
    ["${UNSET:-'a}b'}", "a}b"],
    ["${PATH#*/} ${PATH##*/}", "usr/lib/x.tar.gz x.tar.gz"],
    ["${PATH%.*} ${PATH%%.*}", "/usr/lib/x.tar /usr/lib/x"],
    ["${PATH#/us?/} ${PATH%z}", "lib/x.tar.gz /usr/lib/x.tar.g"],
    ["${PATH#nothing} ${PATH#} ${UNSET#a}", "/usr/lib/x.tar.gz /usr/lib/x.tar.gz "],
    ["${PATH/r/R} ${PATH//r/R}", "/usR/lib/x.tar.gz /usR/lib/x.taR.gz"],
    ["${PATH//\\//:} ${PATH//./}", ":usr:lib:x.tar.gz /usr/lib/xtargz"],
    ["${PATH/l*./L} ${PATH/.*}", "/usr/Lgz /usr/lib/x"],
    [
      "${PATH/#\\/usr/} ${PATH/%gz/xz} ${PATH/#lib/x} ${PATH/%lib/x}",
      "/lib/x.tar.gz /usr/lib/x.tar.xz /usr/lib/x.tar.gz /usr/lib/x.tar.gz",
    ],
    ["${PATH//?/x}", "xxxxxxxxxxxxxxxxx"],
    ["${GLOB/\\*/star} ${BLANKS#a$EMPTY }", "star b  c"],
    ["${BLANKS//[ab]/x}", "a b  c"],
    ["${größe/9/$HOME}", "/root"],
  ])("%s", (word, value) => {
    expect(expandWord(word, variables)).toBe(value);
  });

  it("is escaped by a backtick where the directive says so", () => {
    expect(expandWord("C:\\dir\\$HOME`$HOME", variables, { escape: "`" })).toBe("C:\\dir\\/root$HOME");
  });

  it.each<[string, RegExp]>([
    ["'open", /its single quote does not end/],
    ['"open', /its double quote does not end/],
    ["${HOME", /'}' is missing/],
    ["${HOME:-x", /'}' is missing/],
    ["${}", /a variable's name is missing/],
    ["${.}", /a variable's name is missing/],
    ["${HOME.}", /'\.' after HOME is none of/],
    ["${HOME:x}", /':x' after HOME is none of/],
    ["${HOME:=x}", /':=' after HOME is none of/],
    ["${HOME:}", /':}' after HOME is none of/],
    ["${UNSET?}", /UNSET is not set$/],
    ["${EMPTY:?say $HOME}", /EMPTY is empty: say \/root$/],
  ])("%s is refused", (word, message) => {
    expect(() => expandWord(word, variables)).toThrow(message);
    expect(() => expandWord(word, variables)).toThrow(BuildError);
  });
});

describe("words", () => {
  it.each<[string, string[]]>([
    ["", []],
    [" a  b\tc ", ["a", "b", "c"]],
    ["$BLANKS", ["a", "b", "c"]],
    ['"$BLANKS"', ["a b  c"]],
    ["x$BLANKS'y z'", ["xa", "b", "cy z"]],
    ["a\\ b", ["a b"]],
    ["$EMPTY '' x", ["x"]],
    ["${UNSET:-80 90}", ["80", "90"]],
  ])("%j", (text, expected) => {
    expect(splitWords(text, variables)).toEqual(expected);
  });
});

describe("a heredoc that is a file", () => {
  const at = { line: 1, column: 1 };
  it("has its variables and escapes expanded, and its quotes left", () => {
    const content = "'$HOME' \"${HOME}\" \\$HOME \\\\ it's\n";
    expect(expandHeredoc({ name: "E", content, expand: true, at }, variables)).toBe(
      "'/root' \"/root\" $HOME \\ it's\n",
    );
    expect(expandHeredoc({ name: "E", content, expand: false, at }, variables)).toBe(content);
  });
});

describe("sizes", () => {
  it("are capped: of the result, of what stands in each other, of patterns", () => {
    const big = "x".repeat(2 ** 20);
    const code = (word: string, value = big): string | undefined => {
      try {
        expandWord(word, () => value);
        return undefined;
      } catch (error) {
        return (error as BuildError).code;
      }
    };
    expect(code("$a".repeat(15))).toBeUndefined();
    expect(code("$a".repeat(17))).toBe("LIMIT");
    expect(code(`\${a//x/${"y".repeat(2000)}}`, "x".repeat(10_000))).toBe("LIMIT");
    expect(code(`${"${a:+".repeat(99)}${"}".repeat(99)}`, "1")).toBeUndefined();
    expect(code(`${"${a:+".repeat(20_000)}`)).toBe("LIMIT");
    expect(code(`\${a#${"?".repeat(5000)}}`)).toBe("LIMIT");
    expect(code(`\${a#${"*x".repeat(500)}}`)).toBe("LIMIT");
  });

  it("patterns that make others backtrack take no time", () => {
    const start = performance.now();
    expect(expandWord(`\${a##${"*a".repeat(50)}*b}`, () => "a".repeat(10_000))).toBe("a".repeat(10_000));
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe("properties", () => {
  const options = { seed: 5, numRuns: 300, interruptAfterTimeLimit: 2000 };

  it("text between single quotes is itself", () => {
    const text = fc.string().filter((each) => !each.includes("'"));
    fc.assert(
      fc.property(text, (each) => {
        expect(expandWord(`'${each}'`, variables)).toBe(each);
      }),
      options,
    );
  });

  it("a value is never expanded again", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(expandWord("$v${v}", () => value)).toBe(value + value);
      }),
      options,
    );
  });

  it("patterns agree with the regular expressions that they stand for", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 6 });
    const source = (of: string, lazy: string): string =>
      Array.from(of, (char) => ({ "*": `[^]*${lazy}`, "?": "[^]" })[char] ?? char).join("");
    fc.assert(
      fc.property(text, pattern, (value, each) => {
        const expand = (form: string): string => expandWord(`\${v${form}}`, () => value);
        expect(expand(`#${each}`)).toBe(value.replace(new RegExp(`^${source(each, "?")}`), ""));
        expect(expand(`##${each}`)).toBe(value.replace(new RegExp(`^${source(each, "")}`), ""));
        expect(expand(`/${each}/-`)).toBe(value.replace(new RegExp(source(each, "")), "-"));
        const ends = Array.from({ length: value.length + 1 }, (_, at) => at).filter((at) =>
          new RegExp(`^(?:${source(each, "")})$`).test(value.slice(at)),
        );
        expect(expand(`%${each}`)).toBe(value.slice(0, ends.at(-1) ?? value.length));
        expect(expand(`%%${each}`)).toBe(value.slice(0, ends[0] ?? value.length));
      }),
      options,
    );
  });
});
