import { describe, expect, it } from "vitest";
import { isGit, isUrl, nameInDisposition, nameInUrl } from "./url.ts";

describe("sources that are no paths", () => {
  it.each([
    ["http://h/x", true, false],
    ["HTTPS://h/x.tar", true, false],
    ["https://h/x.git", true, true],
    ["https://h/x.git#v1:dir", true, true],
    ["git@h:x/y", false, true],
    ["git://h/x", false, true],
    ["ssh://git@h/x", false, true],
    ["github.com/x/y.git", false, true],
    ["git@file", false, false],
    ["http", false, false],
    ["a.git", false, false],
    ["dir/http://x", false, false],
  ])("tells %s", (source, url, git) => {
    expect(isUrl(source)).toBe(url);
    expect(isGit(source)).toBe(git);
  });

  it.each([
    ["http://h/a/b.txt?q=/c", "b.txt"],
    ["http://h/a%20b", "a b"],
    ["http://h/%C3%BC", "\xc3\xbc"],
    ["http://h/a%2f..%2fb", "b"],
    ["http://h/%2e%2e%2f", undefined],
    ["http://h/%zz", "%zz"],
    ["http://h/a/", undefined],
    ["http://h", undefined],
  ])("names what is behind %s", (url, name) => expect(nameInUrl(new URL(url))).toBe(name));

  it.each([
    [undefined, undefined],
    ["attachment", undefined],
    ["attachment; filename=a.tar", "a.tar"],
    ['attachment; filename="a \\"b\\".tar"', 'a "b".tar'],
    ['attachment; filename="../../etc/passwd"', "passwd"],
    ['attachment; filename="..\\\\..\\\\x"', "x"],
    ["attachment; filename=\"a\"; filename*=UTF-8''%C3%BC", "\xc3\xbc"],
    ["attachment; filename*=UTF-8''..%2F..", undefined],
    ["attachment; filename*=UTF-8''%zz; filename=a", "a"],
    ['attachment; filename="a\u0000b"', undefined],
    [`attachment; filename=${"n".repeat(300)}`, undefined],
  ])("reads Content-Disposition %j", (header, name) => expect(nameInDisposition(header)).toBe(name));
});
