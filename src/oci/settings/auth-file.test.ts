import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeAuth, findCredentials, findHelper, findKey, parseAuthFile } from "./auth-file.ts";
import { SettingsError } from "./error.ts";

const file = (auths: object, more: object = {}) => parseAuthFile(JSON.stringify({ auths, ...more }), "auth.json");
const entry = (name: string) => ({ auth: encodeAuth(name, `${name}-secret`) });
const thrown = (act: () => unknown): SettingsError => {
  try {
    act();
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("the key that a name falls under", () => {
  const keys = {
    "my.example:5000/ns/user/app": entry("app"),
    "my.example:5000/ns": entry("ns"),
    "my.example:5000": entry("host"),
    "https://index.docker.io/v1/": entry("hub"),
    "https://old.example/v2/": entry("old"),
    "plain.example/v1/": entry("plain"),
    "quay.example/user": entry("user"),
  };
  it.each([
    ["my.example:5000", "ns/user/app", "my.example:5000/ns/user/app"],
    ["my.example:5000", "ns/user/other", "my.example:5000/ns"],
    ["my.example:5000", "ns/user", "my.example:5000/ns"],
    ["my.example:5000", "nsx/user", "my.example:5000"],
    ["my.example:5000", "", "my.example:5000"],
    ["my.example", "ns/user/app", undefined],
    ["docker.io", "library/debian", "https://index.docker.io/v1/"],
    ["registry-1.docker.io", "", "https://index.docker.io/v1/"],
    ["old.example", "a", "https://old.example/v2/"],
    ["plain.example", "a", "plain.example/v1/"],
    // A namespace's entry says nothing about its neighbours.
    ["quay.example", "other/app", undefined],
    ["quay.example", "", undefined],
  ])("%s/%s → %s", (registry, repository, key) => {
    expect(findKey(file(keys), registry, repository)).toBe(key);
  });
  it("is a name even when objects in JavaScript have one like it", () => {
    expect(findKey(file({}), "constructor", "")).toBeUndefined();
    expect(findKey(parseAuthFile('{"auths": {"__proto__": {"auth": "YTpi"}}}', "f"), "__proto__", "")).toBe(
      "__proto__",
    );
  });
});

describe("entries", () => {
  it("are base64 of user and password, whatever the password has in it", () => {
    const cases = ["a:b", "", "pä ss", "x".repeat(5000)];
    for (const password of cases)
      expect(findCredentials(file({ h: { auth: encodeAuth("me", password) } }), "h", "")).toEqual({
        username: "me",
        password,
      });
  });
  it("lose the NULs that some writers append", () => {
    const auth = Buffer.from("me:pw\0\0").toString("base64");
    expect(findCredentials(file({ h: { auth } }), "h", "")).toEqual({ username: "me", password: "pw" });
  });
  it("with an identity token are that token", () => {
    const entries = { h: { ...entry("me"), identitytoken: "t0ken" } };
    expect(findCredentials(file(entries), "h", "")).toEqual({ identityToken: "t0ken" });
  });
  it("without content are none", () => {
    expect(findCredentials(file({ h: {} }), "h", "")).toBeUndefined();
    expect(findCredentials(file({ h: { auth: "" } }), "h", "")).toBeUndefined();
  });
  it("are the whole file in ~/.dockercfg", () => {
    const legacy = parseAuthFile(JSON.stringify({ "https://h.example/v1/": entry("me") }), ".dockercfg", {
      isLegacy: true,
    });
    expect(findCredentials(legacy, "h.example", "a/b")).toMatchObject({ username: "me" });
  });
  it("name helpers by registry, old keys included", () => {
    const helpers = file({}, { credHelpers: { "h.example": "one", "https://index.docker.io/v1/": "two" } });
    expect(findHelper(helpers, "h.example")).toEqual({ key: "h.example", helper: "one" });
    expect(findHelper(helpers, "docker.io")).toEqual({ key: "https://index.docker.io/v1/", helper: "two" });
    expect(findHelper(helpers, "x.example")).toBeUndefined();
  });
});

describe("errors", () => {
  it.each([
    ["{\n  x", "line 2: it is no JSON"],
    ['{\n"auths": {\n', "line 3: it is no JSON"],
    ["[]", "it is no JSON object"],
    ['{"auths": 1}', '"auths" is no object'],
    ['{"auths": {\n\n"h": 1}}', 'line 3: "auths" has no object for "h"'],
    ['{"credHelpers": {"h": 1}}', '"credHelpers" has no helper name for "h"'],
    [`${'{"a":'.repeat(300)}1${"}".repeat(300)}`, "it is no JSON"],
    ["", "line 1: it is no JSON"],
  ])("%j", (text, message) => {
    const error = thrown(() => parseAuthFile(text, "/x/auth.json"));
    expect(error.code).toBe("BAD_AUTH_FILE");
    expect(error.message).toContain(`/x/auth.json: `);
    expect(error.message).toContain(message);
  });
  it.each(["!!!", "YQ", Buffer.from("no-colon").toString("base64")])("credentials %j", (auth) => {
    const error = thrown(() => findCredentials(file({ "h.example": { auth } }), "h.example", ""));
    expect(error.message).toContain('"h.example" in auth.json');
    expect(error.message).not.toContain(auth);
  });
  it("never quote a secret of the file, not even by their causes", () => {
    const text = JSON.stringify({ auths: { h: { auth: "S3CRET" } } });
    for (let end = 1; end < text.length; end++) {
      const error = thrown(() => parseAuthFile(`${text.slice(0, end)}?`, "auth.json"));
      expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain("S3C");
    }
  });
});

describe("any text", () => {
  it("is a file or our error", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"auths": ${json}, "credHelpers": ${json}}`),
    );
    fc.assert(
      fc.property(texts, fc.string(), fc.string(), (text, registry, repository) => {
        try {
          const parsed = parseAuthFile(text, "f");
          findHelper(parsed, registry);
          findCredentials(parsed, registry, repository);
        } catch (error) {
          expect(error).toBeInstanceOf(SettingsError);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
  it("as user and password comes back", () => {
    const user = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(":", ""));
    fc.assert(
      fc.property(user, fc.string({ unit: "grapheme" }), (username, password) => {
        const found = findCredentials(file({ h: { auth: encodeAuth(username, password) } }), "h", "r");
        expect(found).toEqual({ username, password });
      }),
      { seed: 2, numRuns: 200 },
    );
  });
});
