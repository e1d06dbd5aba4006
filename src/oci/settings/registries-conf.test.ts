import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SettingsError } from "./error.ts";
import { parseRegistriesConf } from "./registries-conf.ts";

const FULL = `
unqualified-search-registries = ["one.example", "localhost:5000"]
short-name-mode = "enforcing"
credential-helpers = ["containers-auth.json", "pass"]
future-key = { any = "thing" }

[[registry]]
prefix = "example.com/foo"
insecure = false
blocked = false
location = "internal.example/bar/"

[[registry.mirror]]
location = "mirror-0.example/mirror-for-foo"
pull-from-mirror = "digest-only"

[[registry.mirror]]
location = "mirror-1.example:5000/mirrors/foo"
insecure = true

[[registry]]
location = "registry.example"
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.registry.example"

[[registry]]
prefix = "*.wild.example"
blocked = true

[aliases]
"debian" = "docker.io/library/debian"
"tools/x" = "quay.example/tools/x"
gone = ""
`;

describe("a whole file", () => {
  it("is read as the manual has it", async () => {
    expect(await parseRegistriesConf(FULL, "f.conf")).toEqual({
      path: "f.conf",
      searchRegistries: ["one.example", "localhost:5000"],
      shortNameMode: "enforcing",
      credentialHelpers: ["containers-auth.json", "pass"],
      registries: [
        {
          prefix: "example.com/foo",
          location: "internal.example/bar",
          insecure: false,
          blocked: false,
          origin: "f.conf",
          mirrors: [
            { location: "mirror-0.example/mirror-for-foo", insecure: false, pull: "digest-only" },
            { location: "mirror-1.example:5000/mirrors/foo", insecure: true, pull: "all" },
          ],
        },
        {
          prefix: "registry.example",
          location: "registry.example",
          insecure: false,
          blocked: false,
          origin: "f.conf",
          mirrors: [{ location: "mirror.registry.example", insecure: false, pull: "digest-only" }],
        },
        { prefix: "*.wild.example", location: "", insecure: false, blocked: true, origin: "f.conf", mirrors: [] },
      ],
      aliases: new Map([
        ["debian", { registry: "docker.io", repository: "library/debian" }],
        ["tools/x", { registry: "quay.example", repository: "tools/x" }],
        ["gone", undefined],
      ]),
    });
  });
  it("may be empty", async () => {
    expect(await parseRegistriesConf("# nothing\n", "f")).toEqual({ path: "f", registries: [], aliases: new Map() });
  });
  it.each(["host.example/ns/repo:1.0", "host.example:5000/repo@sha256:abc", "localhost/x"])(
    "may have the prefix %s",
    async (prefix) => {
      const text = `[[registry]]\nprefix = "${prefix}"\nlocation = "other.example/x"`;
      expect((await parseRegistriesConf(text, "f")).registries[0]?.prefix).toBe(prefix);
    },
  );
});

describe("errors say file, line and key", () => {
  it.each([
    ['a = 1\nb = ["', "f.conf: line 2: it is no TOML"],
    ['[registries.search]\nregistries = ["a.example"]', "registries: this is version 1"],
    ['\nshort-name-mode = "sometimes"', "line 2: short-name-mode: want one of enforcing, permissive, disabled"],
    ["unqualified-search-registries = [1]", "line 1: unqualified-search-registries: want a list"],
    ['unqualified-search-registries = ["a.example/b"]', 'unqualified-search-registries: "a.example/b" is no HOST'],
    ['[[registry]]\nlocation = "a.example"\n[[registry]]\nlocation = 3', "line 4: registry[1].location: it is no text"],
    ['[[registry]]\nlocation = "https://a.example"', 'line 2: registry[0].location: "https://a.example" is no HOST'],
    ['\n[[registry]]\nprefix = "a.example"', "line 2: registry[0].location: it is missing"],
    ["[[registry]]\ninsecure = true", "line 1: registry[0].location: there is neither prefix nor location"],
    ['[[registry]]\nprefix = "*.a.example/b"\nlocation = "c.example"', 'registry[0].prefix: "*.a.example/b" is no'],
    ['[[registry]]\nlocation = "a.example"\nblocked = "yes"', "line 3: registry[0].blocked: want true or false"],
    [
      '[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\nlocation = "m.example"\n[[registry.mirror]]\ninsecure = true',
      "line 5: registry[0].mirror[1].location: it is missing",
    ],
    [
      '[[registry]]\nlocation = "a.example"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.example"\npull-from-mirror = "tag-only"',
      "line 6: registry[0].mirror[0].pull-from-mirror: it cannot be set beside mirror-by-digest-only",
    ],
    [
      '[[registry]]\nlocation = "a.example"\nblocked = true\n[[registry]]\nlocation = "a.example"',
      "registry[1].blocked: another [[registry]] says otherwise",
    ],
    ['registry = "a.example"', "line 1: registry: want at most 1000 tables [[registry]]"],
    ['[aliases]\n"a.example/x" = "b.example/x"', 'line 2: aliases."a.example/x": the name must be short'],
    ['[aliases]\nx = "y"', 'line 2: aliases."x": "y" must have a registry'],
    ['[aliases]\nx = "a.example/y:1"', 'aliases."x": "a.example/y:1" must have a registry and neither tag nor digest'],
  ])("%j", async (text, message) => {
    await expect(parseRegistriesConf(text, "f.conf")).rejects.toMatchObject({
      code: "BAD_REGISTRIES_CONF",
      message: expect.stringContaining(message),
    });
  });
});

describe("any text", () => {
  const isOurs = async (text: string): Promise<void> => {
    await parseRegistriesConf(text, "f").catch((error: unknown) => expect(error).toBeInstanceOf(SettingsError));
  };
  it("is a file or our error, cut anywhere", async () => {
    for (let end = 0; end < FULL.length; end++) await isOurs(FULL.slice(0, end));
  });
  it("is a file or our error, changed anywhere", async () => {
    const change = fc.tuple(fc.nat(FULL.length), fc.string({ maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(change, ([at, text]) => isOurs(FULL.slice(0, at) + text + FULL.slice(at + text.length))),
      { seed: 3, numRuns: 300 },
    );
  });
  it("is a file or our error, with any values", async () => {
    const value = fc.oneof(
      fc.string().map((text) => JSON.stringify(text)),
      fc.constantFrom("1", "true", "[]", "{}", "[1979-05-27]"),
    );
    const keys = ["prefix", "location", "insecure", "mirror", "mirror-by-digest-only"];
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 5, maxLength: 5 }), (values) =>
        isOurs(`[[registry]]\n${keys.map((key, index) => `${key} = ${values[index]}`).join("\n")}`),
      ),
      { seed: 4, numRuns: 300 },
    );
  });
});
