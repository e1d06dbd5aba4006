import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_PROGRESS } from "../../base/progress.ts";
import type { Context } from "../context.ts";
import { exitCodeOf } from "../exit-code.ts";
import { login } from "./login.ts";
import { logout } from "./logout.ts";

const BASIC = `Basic ${Buffer.from("me:secret").toString("base64")}`;

let root: string;
let server: Server;
let seen: string[];
/** Answers as a registry that wants a login, Basic or with a token of /token. */
async function serve(scheme: "Basic" | "Bearer"): Promise<string> {
  server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization ?? "-"}`);
    const { authorization } = request.headers;
    const isTokenRequest = request.url?.startsWith("/token") === true;
    const wanted = scheme === "Basic" || isTokenRequest ? BASIC : "Bearer t0ken";
    const realm = `http://${request.headers.host}/token`;
    if (authorization === wanted) response.end(isTokenRequest ? JSON.stringify({ token: "t0ken" }) : "{}");
    else response.writeHead(401, { "www-authenticate": `${scheme} realm="${realm}",service="test"` }).end("{}");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
beforeEach(() => {
  seen = [];
  root = mkdtempSync(join(tmpdir(), "slipway-login-"));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const warnings: string[] = [];
const context = (): Context => ({
  env: { HOME: root, XDG_RUNTIME_DIR: root, CONTAINERS_REGISTRIES_CONF: "/dev/null" },
  stdout: () => undefined,
  stderr: () => undefined,
  progress: { ...NO_PROGRESS, warn: (message: string) => warnings.push(message) },
  json: false,
  storePath: root,
  signal: new AbortController().signal,
});
const authFile = (): string => readFileSync(join(root, "containers/auth.json"), "utf8");

describe.each(["Basic", "Bearer"] as const)("with a %s registry", (scheme) => {
  it("a login is kept when the registry agrees, and can be asked for and forgotten", async () => {
    const registry = await serve(scheme);
    const options = { username: "me", password: "secret", tlsVerify: false };
    expect((await login(context(), [registry], options)).text).toMatch(/^Logged in to .* as me; kept in /);
    expect(JSON.parse(authFile())).toEqual({ auths: { [registry]: { auth: BASIC.slice("Basic ".length) } } });
    expect(warnings.at(-1)).toContain("--password shows the password");
    expect((await login(context(), [registry], { getLogin: true })).text).toBe("me\n");
    await logout(context(), [registry], {});
    expect(JSON.parse(authFile())).toEqual({ auths: {} });
    await expect(login(context(), [registry], { getLogin: true })).rejects.toMatchObject({ code: "NOT_LOGGED_IN" });
  });
  it("a login that the registry refuses is not kept, and is told as one that was denied", async () => {
    const registry = await serve(scheme);
    const refused = login(context(), [registry], { username: "me", password: "wr0ng", tlsVerify: false });
    await expect(refused).rejects.toThrow(/it refuses "me" with this password/);
    await expect(refused).rejects.not.toThrow(/wr0ng/);
    await expect(refused).rejects.toSatisfy((error) => exitCodeOf(error) === 77);
    expect(authFile).toThrow(/ENOENT/);
  });
});

describe("wrong use", () => {
  it.each([
    [login, ["nohost"], {}],
    [login, ["h.example:5000/x:tag"], {}],
    [login, ["h.example"], { passwordStdin: true }],
    [login, ["h.example"], { username: "a", password: "b", passwordStdin: true }],
    [login, ["h.example"], { username: "a:b", password: "c" }],
    [logout, [], {}],
    [logout, ["h.example"], { all: true }],
  ])("%# is said before anything is asked", async (command, args, options) => {
    await serve("Basic");
    await expect(command(context(), args, options)).rejects.toSatisfy((error) => exitCodeOf(error) === 2);
    expect(seen).toEqual([]);
  });
});
