import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "./challenge.ts";
import { coversScopes, formatScopes, mergeScopes, parseScopes, scopeOf } from "./scope.ts";

const bearer = (realm: string, service?: string, scope?: string, error?: string): object => ({
  scheme: "bearer",
  realm,
  service,
  scope,
  error,
});

describe("parseChallenges", () => {
  it.each([
    ['Basic realm="x"', [{ scheme: "basic", realm: "x" }]],
    ["basic", [{ scheme: "basic", realm: "" }]],
    ['Bearer realm="https://a/t",service="s"', [bearer("https://a/t", "s")]],
    [
      'BEARER Realm = "https://a/t" , scope="repository:x:pull,push"',
      [bearer("https://a/t", undefined, "repository:x:pull,push")],
    ],
    [
      'Bearer realm="https://a/t",error="insufficient_scope",service=s',
      [bearer("https://a/t", "s", undefined, "insufficient_scope")],
    ],
    ['Negotiate, Basic realm="x", Bearer realm="t"', [{ scheme: "basic", realm: "x" }, bearer("t")]],
    ['Negotiate YWJj==, Basic realm="x"', [{ scheme: "basic", realm: "x" }]],
    ['Bearer realm="a\\"b\\\\c"', [bearer('a"b\\c')]],
    ['Basic realm="x, Bearer realm=\\"evil\\""', [{ scheme: "basic", realm: 'x, Bearer realm="evil"' }]],
    ['Bearer service="no realm"', []],
    ['Bearer realm="first",realm="second"', [bearer("first")]],
    ['Bearer realm="open', []],
    ["", []],
    [",,;", []],
  ])("reads %s", (header, expected) => {
    expect(parseChallenges(header)).toEqual(expected);
  });

  it("reads what a registry may write", () => {
    const text = fc.string({ unit: "grapheme-ascii", maxLength: 20 });
    const quote = (value: string): string => `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
    fc.assert(
      fc.property(text, text, fc.boolean(), (realm, service, isFirst) => {
        const parts = [`Bearer realm=${quote(realm)},service=${quote(service)}`, `Basic realm=${quote(service)}`];
        const found = parseChallenges((isFirst ? parts : parts.toReversed()).join(", "));
        expect(found).toContainEqual(bearer(realm, service));
        expect(found).toContainEqual({ scheme: "basic", realm: service });
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it("comes to an end with anything", () => {
    const unit = fc.constantFrom("Bearer", "Basic", " ", ",", "=", '"', "\\", "realm", "x", "\t", "é");
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 30 }), (parts) => {
        expect(parseChallenges(parts.join("")).length).toBeLessThan(31);
      }),
      { seed: 5, numRuns: 500 },
    );
    expect(parseChallenges(`Basic realm="${"x".repeat(10_000)}"`)).toEqual([]);
  });
});

describe("scopes", () => {
  it("are merged, compared and written", () => {
    const merged = mergeScopes(scopeOf("b", "push", "pull"), mergeScopes(scopeOf("a", "pull"), scopeOf("b", "delete")));
    expect(formatScopes(merged)).toEqual(["repository:a:pull", "repository:b:delete,pull,push"]);
    expect(coversScopes(merged, scopeOf("b", "pull"))).toBe(true);
    expect(coversScopes(merged, scopeOf("a", "push"))).toBe(false);
    expect(
      formatScopes(parseScopes("repository:host:5000/x:pull,push registry:catalog:* repository(plugin):y:pull")),
    ).toEqual(["repository:host:5000/x:pull,push", "repository:y:pull"]);
  });
});
