import { describe, expect, it } from "vitest";
import { formatKeyfile, keyfileBoolean, parseKeyfile } from "./keyfile.ts";

describe("keyfile", () => {
  it("reads groups, keys, comments and repeated groups", () => {
    const parsed = parseKeyfile("# c\n[a]\nx = 1\n\n[b]\ny=2=3\n[a]\nz=\n", "t");
    expect(parsed.get("a")?.get("x")).toBe("1");
    expect(parsed.get("a")?.get("z")).toBe("");
    expect(parsed.get("b")?.get("y")).toBe("2=3");
  });
  it("names file and line of what it cannot read", () => {
    expect(() => parseKeyfile("[a]\nnonsense\n", "prepare-root.conf")).toThrow(/prepare-root\.conf, line 2/);
    expect(() => parseKeyfile("x=1\n", "f")).toThrow(/line 1/);
  });
  it("writes ostree's repo config as ostree does", () => {
    expect(
      formatKeyfile([
        [
          "core",
          [
            ["repo_version", "1"],
            ["mode", "bare"],
          ],
        ],
        ["sysroot", [["readonly", "true"]]],
      ]),
    ).toBe("[core]\nrepo_version=1\nmode=bare\n\n[sysroot]\nreadonly=true\n");
  });
  it("knows GLib's booleans", () => {
    expect([keyfileBoolean("yes"), keyfileBoolean("0"), keyfileBoolean("maybe"), keyfileBoolean(undefined)]).toEqual([
      true,
      false,
      undefined,
      undefined,
    ]);
  });
});
