import { hashSync } from "bcryptjs";
import { describe, expect, it } from "vitest";
import { parseRepositoryName } from "../names.ts";
import { parseHtpasswd } from "./htpasswd.ts";
import { isPermitted, parsePermissions } from "./permissions.ts";
import { makeAccess } from "./policy.ts";

const htpasswd = { path: "users", text: `# team\nalice:${hashSync("a:secret", 4)}\nbob:${hashSync("b", 4)}\n` };

describe("makeAccess", () => {
  const policy = {
    host: "127.0.0.1",
    hasTls: false,
    anonymousRead: false,
    anonymousWrite: false,
    insecure: false,
    readOnly: false,
    now: () => 0,
  };
  const name = parseRepositoryName("os");
  const exchange = { client: { user: undefined, address: "" } } as Parameters<
    Awaited<ReturnType<typeof makeAccess>>["isAllowed"]
  >[0];

  it.each([
    ["on loopback", {}, [true, true]],
    ["on another address", { host: "0.0.0.0" }, [true, false]],
    ["on a name", { host: "registry.example" }, [true, false]],
    ["on another address when asked for", { host: "0.0.0.0", anonymousWrite: true }, [true, true]],
    ["that is read-only", { readOnly: true, anonymousWrite: true }, [true, false]],
    ["with users", { htpasswd }, [false, false]],
    ["with users, open to readers", { htpasswd, anonymousRead: true }, [true, false]],
  ])("lets anonymous clients pull and push %s: %j", async (_, options, [pull, push]) => {
    const access = await makeAccess({ ...policy, ...options });
    expect(access.isAllowed(exchange, "pull", name)).toBe(pull);
    expect(access.isAllowed(exchange, "push", name)).toBe(push);
    expect(access.isAllowed(exchange, "delete", name)).toBe(push);
  });

  it("refuses passwords without TLS on a network", async () => {
    const open = { ...policy, host: "0.0.0.0", htpasswd };
    await expect(makeAccess(open)).rejects.toMatchObject({
      code: "BAD_OPTION",
      hint: expect.stringContaining("--insecure") as string,
    });
    await makeAccess({ ...open, hasTls: true });
    await makeAccess({ ...open, insecure: true });
    await makeAccess({ ...open, host: "::1" });
  });
});

describe("parseHtpasswd", () => {
  it.each([
    ["no user at all", "# nobody"],
    ["no colon", "alice"],
    ["no user", ":$2y$05$x"],
    ["SHA-1", "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="],
    ["MD5", "alice:$apr1$x$y"],
    ["plain text", "alice:secret"],
    ["a hash that takes minutes", `alice:${hashSync("a", 4).replace("$04$", "$31$")}`],
    ["the name of everybody", `anonymous:${hashSync("a", 4)}`],
  ])("refuses %s", (_, text) => {
    expect(() => parseHtpasswd(text, "users")).toThrow(expect.objectContaining({ code: "BAD_HTPASSWD" }));
  });
});

describe("parsePermissions", () => {
  it.each([
    "x",
    "[[allow]]",
    "allow = 1",
    'other = 1\n[[allow]]\nusers=["a"]\nrepositories=["b"]\nactions=["pull"]',
    '[[allow]]\nusers=["a"]\nrepositories=["b"]\nactions=["fly"]',
    '[[allow]]\nusers=["a"]\nrepositories=["B"]\nactions=["pull"]',
    '[[allow]]\nusers=["a"]\nrepositories=["b"]\nactions=["pull"]\nexcept=["c"]',
  ])("refuses %j", async (text) => {
    await expect(parsePermissions(text, "file")).rejects.toMatchObject({ code: "BAD_PERMISSIONS" });
  });

  it.each([
    ["*", "a", true],
    ["*", "a/b", false],
    ["**", "a/b/c", true],
    ["a/*", "a/b", true],
    ["a/*", "a/b/c", false],
    ["a/**", "a", false],
    ["a/**", "ab/c", false],
    ["a.b", "a.b", true],
    ["a.b", "axb", false],
  ])("%s and %s: %s", async (pattern, name, wanted) => {
    const rules = await parsePermissions(
      `[[allow]]\nusers=["u"]\nrepositories=["${pattern}"]\nactions=["pull"]`,
      "file",
    );
    expect(isPermitted(rules, "u", "pull", parseRepositoryName(name))).toBe(wanted);
    expect(isPermitted(rules, "other", "pull", parseRepositoryName(name))).toBe(false);
  });
});
