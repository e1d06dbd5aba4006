import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pullEndpoints, pushEndpoint } from "./endpoints.ts";
import { SettingsError } from "./error.ts";
import type { Mirror, RegistryTable } from "./registries-conf.ts";

const table = (prefix: string, more: Partial<RegistryTable> = {}): RegistryTable => ({
  prefix,
  location: prefix.startsWith("*.") ? "" : prefix,
  insecure: false,
  blocked: false,
  mirrors: [],
  origin: "r.conf",
  ...more,
});
const mirror = (location: string, more: Partial<Mirror> = {}): Mirror => ({
  location,
  insecure: false,
  pull: "all",
  ...more,
});
const pull = (tables: readonly RegistryTable[], name: string, kind: "tag" | "digest" = "tag"): string[] => {
  const slash = name.indexOf("/");
  return pullEndpoints(tables, name.slice(0, slash), name.slice(slash + 1), kind).map(
    (end) => `${end.registry}/${end.repository}${end.insecure ? " insecure" : ""}`,
  );
};

describe("where a name is pulled from", () => {
  it("is the name itself without a table", () => {
    expect(pull([], "a.example/x")).toEqual(["a.example/x"]);
  });
  it("is the mirrors in their order, then the location", () => {
    const tables = [
      table("example.com/foo", {
        location: "internal.example/bar",
        mirrors: [mirror("m0.example/for-foo"), mirror("m1.example:5000", { insecure: true })],
      }),
    ];
    expect(pull(tables, "example.com/foo/image")).toEqual([
      "m0.example/for-foo/image",
      "m1.example:5000/image insecure",
      "internal.example/bar/image",
    ]);
    expect(pull([table("example.com/foo", { location: "internal.example/bar" })], "example.com/foo")).toEqual([
      "internal.example/bar",
    ]);
    expect(pull(tables, "example.com/other")).toEqual(["example.com/other"]);
  });
  it("depends on whether a tag or a digest is asked for", () => {
    const tables = [
      table("a.example", {
        mirrors: [
          mirror("all.example"),
          mirror("d.example", { pull: "digest-only" }),
          mirror("t.example", { pull: "tag-only" }),
        ],
      }),
    ];
    expect(pull(tables, "a.example/x", "tag")).toEqual(["all.example/x", "t.example/x", "a.example/x"]);
    expect(pull(tables, "a.example/x", "digest")).toEqual(["all.example/x", "d.example/x", "a.example/x"]);
  });
  it("adds library/ to what ends up at Docker Hub", () => {
    expect(pull([table("a.example", { location: "docker.io" })], "a.example/debian")).toEqual([
      "docker.io/library/debian",
    ]);
  });
});

describe("the table of a name", () => {
  const at = (prefix: string): RegistryTable => table(prefix, { insecure: true });
  it.each([
    ["a.example", "a.example/x", true],
    ["a.example", "a.example:5000/x", false],
    ["a.example:5000", "a.example:5000/x", true],
    ["a.example", "b.a.example/x", false],
    ["a.example/ns", "a.example/ns/x", true],
    ["a.example/ns", "a.example/ns", true],
    ["a.example/ns", "a.example/nsx", false],
    ["*.a.example", "b.a.example/x", true],
    ["*.a.example", "c.b.a.example/x", true],
    ["*.a.example", "b.a.example:5000/x", true],
    ["*.a.example:5000", "b.a.example:5000/x", true],
    ["*.a.example:5000", "b.a.example/x", false],
    ["*.a.example", "a.example/x", false],
    ["*.a.example", "ba.example/x", false],
    ["*.a.example", "other.example/b.a.example/x", false],
    ["A.example", "a.Example/x", true],
  ])("%s covers %s: %s", (prefix, name, covers) => {
    expect(pull([at(prefix)], name)[0]?.endsWith(" insecure")).toBe(covers);
  });
  it("is the one with the longest prefix, wherever it stands", () => {
    const tables = ["a.example", "a.example/ns", "a.example/ns/x"].map((prefix, index) =>
      table(prefix, { location: `l${index}.example` }),
    );
    for (const order of [tables, tables.toReversed()]) {
      expect(pull(order, "a.example/ns/x/y")).toEqual(["l2.example/y"]);
      expect(pull(order, "a.example/ns/y")).toEqual(["l1.example/y"]);
      expect(pull(order, "a.example/y")).toEqual(["l0.example/y"]);
    }
  });
  it("replaces the host of a wildcard only when it has a location", () => {
    expect(pull([table("*.a.example")], "b.a.example/x")).toEqual(["b.a.example/x"]);
    expect(pull([table("*.a.example", { location: "l.example/all" })], "b.a.example/x")).toEqual(["l.example/all/x"]);
  });
});

describe("refused are", () => {
  it("blocked names, however they are spelled, for pull and push", () => {
    const tables = [table("a.example", { blocked: true }), table("a.example/free")];
    expect(() => pull(tables, "a.example/x")).toThrow(/r\.conf blocks a\.example/);
    for (const name of ["A.EXAMPLE/x", "a.example:443/x"]) expect(() => pull(tables, name)).toThrow(SettingsError);
    expect(() => pull([table("docker.io", { blocked: true })], "index.docker.io/library/x")).toThrow(SettingsError);
    expect(pull([...tables, table("a.example:5000")], "a.example:5000/x")).toEqual(["a.example:5000/x"]);
    expect(() => pushEndpoint(tables, "a.example", "x")).toThrow(SettingsError);
    expect(pull(tables, "a.example/free/x")).toEqual(["a.example/free/x"]);
  });
  it("blocked places, also by way of a mirror or a rewrite", () => {
    const blocked = table("b.example", { blocked: true });
    const mirrors = [mirror("b.example/m"), mirror("m.example")];
    expect(pull([blocked, table("a.example", { mirrors })], "a.example/x")).toEqual(["m.example/x", "a.example/x"]);
    expect(pull([blocked, table("a.example", { location: "b.example", mirrors })], "a.example/x")).toEqual([
      "m.example/x",
    ]);
    expect(() => pull([blocked, table("a.example", { location: "b.example" })], "a.example/x")).toThrow(
      /blocks b\.example/,
    );
  });
  it("prefixes with a tag or digest, for the names that they would cover", () => {
    const tables = [table("a.example/x:1"), table("a.example/y@sha256:00")];
    expect(() => pull(tables, "a.example/x")).toThrow(/has a tag or digest/);
    expect(() => pull(tables, "a.example/y")).toThrow(/has a tag or digest/);
    expect(pull(tables, "a.example/xy")).toEqual(["a.example/xy"]);
  });
  it("rewrites that make no name", () => {
    expect(() => pull([table("a.example/x", { location: "l.example" })], "a.example/x")).toThrow(/no name of an image/);
  });
});

describe("where a name is pushed to", () => {
  it("is the name itself, with the safety of its table", () => {
    const tables = [table("a.example", { location: "l.example", insecure: true, mirrors: [mirror("m.example")] })];
    expect(pushEndpoint(tables, "a.example", "x")).toEqual({
      registry: "a.example",
      repository: "x",
      insecure: true,
    });
  });
});

it("any name goes somewhere or is our error", () => {
  const part = fc.constantFrom("a", "b.c", "a.example", "*", "a.example:5000", "x:1", "@sha256:0", "");
  const prefix = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(prefix, prefix, part, prefix, (from, to, registry, repository) => {
      try {
        const ends = pullEndpoints([table(from, { location: to })], registry, repository, "tag");
        expect(ends.length).toBe(1);
      } catch (error) {
        expect(error).toBeInstanceOf(SettingsError);
      }
    }),
    { seed: 5, numRuns: 500 },
  );
});
