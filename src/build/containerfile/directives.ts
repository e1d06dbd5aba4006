// Parser directives: comments `# name=value` before anything else. The first line that is none ends them, an unknown name
// too; the same one twice is refused.
import type { Directives } from "./instruction.ts";
import { type Lines, locatedError } from "./location.ts";

const NAME = /^[A-Za-z][A-Za-z0-9]*$/;

export function parseDirectives(file: Lines): Directives {
  const found = new Map<string, string>();
  let escape: Directives["escape"] = "\\";
  for (const [index, line] of file.lines.entries()) {
    const trimmed = line.trimStart();
    const equals = trimmed.indexOf("=");
    if (!trimmed.startsWith("#") || equals < 0) break;
    const name = trimmed.slice(1, equals).trim().toLowerCase();
    const value = trimmed.slice(equals + 1).trim();
    if (!NAME.test(name) || value === "" || (name !== "syntax" && name !== "escape" && name !== "check")) break;
    const indent = line.length - trimmed.length;
    if (found.has(name)) {
      const at = { line: index + 1, column: indent + 1 };
      throw locatedError(file, at, `the directive ${name} stands here a second time`, "Remove one of the two");
    }
    found.set(name, value);
    if (name !== "escape") continue;
    if (value !== "\\" && value !== "`") {
      const at = { line: index + 1, column: indent + equals + 2 };
      throw locatedError(file, at, `the escape character is ${JSON.stringify(value)}`, "Use a backslash or a backtick");
    }
    escape = value;
  }
  const syntax = found.get("syntax");
  const check = found.get("check");
  return { escape, ...(syntax === undefined ? {} : { syntax }), ...(check === undefined ? {} : { check }) };
}
