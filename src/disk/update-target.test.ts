import { describe, expect, it } from "vitest";
import { updateTarget } from "./update-target.ts";

const manifestDigest = `sha256:${"0123456789ab".padEnd(64, "0")}`;

describe("update target", () => {
  it("is the option, else where it was pulled from", () => {
    expect(updateTarget({ option: "docker://r.example/os:1", pulledFrom: "x/y", manifestDigest })).toEqual({
      reference: "r.example/os:1",
    });
    expect(updateTarget({ pulledFrom: "r.example/os:2", localName: "l", manifestDigest })).toEqual({
      reference: "r.example/os:2",
    });
  });
  it.each([
    ["debian:trixie", "localhost/debian:trixie"],
    ["r.example/os:1", "r.example/os:1"],
    ["localhost/a/b:1", "localhost/a/b:1"],
    ["/var/lib/layout", "localhost/slipway:0123456789ab"],
    [undefined, "localhost/slipway:0123456789ab"],
  ])("makes %s into %s and warns", (localName, reference) => {
    const target = updateTarget({ ...(localName === undefined ? {} : { localName }), manifestDigest });
    expect(target.reference).toBe(reference);
    expect(target.warning).toMatch(/--target-imgref/);
  });
  it("refuses what is no registry reference", () => {
    expect(() => updateTarget({ option: "oci:/path", manifestDigest })).toThrow(/cannot use --target-imgref/);
    expect(() => updateTarget({ option: "noslash", manifestDigest })).toThrow(/want a registry reference/);
  });
});
