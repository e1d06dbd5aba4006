import { hashSync } from "bcryptjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codesOf, type LocalRegistry, localRegistry } from "../../support/local-registry.ts";

const htpasswd = { path: "users", text: `alice:${hashSync("a:secret", 4)}\nbob:${hashSync("b", 4)}\n` };

function basic(user: string, password: string): RequestInit {
  return { headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` } };
}

describe("a registry with users", () => {
  let local: LocalRegistry;
  beforeAll(async () => {
    const permissions = {
      path: "permissions",
      text: `
        [[allow]]
        users = ["alice"]
        repositories = ["team/**"]
        actions = ["pull", "push"]
        [[allow]]
        users = ["anonymous"]
        repositories = ["public/*"]
        actions = ["pull"]`,
    };
    local = await localRegistry({ htpasswd, permissions });
  });
  afterAll(() => local[Symbol.asyncDispose]());

  it("asks for a password, and takes the right one only", async () => {
    const nobody = await local.ask("POST", "/v2/team/os/blobs/uploads/");
    expect([nobody.status, nobody.headers.get("www-authenticate")]).toEqual([
      401,
      expect.stringContaining("Basic realm="),
    ]);
    expect(await codesOf(nobody)).toEqual(["UNAUTHORIZED"]);
    for (const [user, password] of [
      ["alice", "wrong"],
      ["alice", ""],
      ["mallory", "a:secret"],
      ["", "x"],
    ] as const)
      expect((await local.ask("GET", "/v2/", basic(user, password))).status).toBe(401);
    expect((await local.ask("GET", "/v2/", { headers: { authorization: "Bearer x" } })).status).toBe(401);
    expect((await local.ask("GET", "/v2/", basic("alice", "a:secret"))).status).toBe(200);
    expect((await local.ask("GET", "/v2/", basic("bob", "b"))).status).toBe(200);
  });

  it("lets each user do what the permissions say", async () => {
    const alice = basic("alice", "a:secret");
    expect((await local.ask("POST", "/v2/team/os/blobs/uploads/", alice)).status).toBe(202);
    expect((await local.ask("POST", "/v2/teams/blobs/uploads/", alice)).status).toBe(403);
    expect((await local.ask("DELETE", "/v2/team/os/manifests/1", alice)).status).toBe(403);
    expect((await local.ask("POST", "/v2/team/os/blobs/uploads/", basic("bob", "b"))).status).toBe(403);
  });

  it("lets everybody read what is public, and tells them that they could log in", async () => {
    expect((await local.ask("GET", "/v2/public/os/tags/list")).status).toBe(404);
    expect((await local.ask("GET", "/v2/public/os/tags/list", basic("", ""))).status).toBe(404);
    expect((await local.ask("GET", "/v2/private/tags/list")).status).toBe(401);
    const start = await local.ask("GET", "/v2/");
    expect([start.status, start.headers.has("www-authenticate")]).toEqual([200, true]);
  });
});
