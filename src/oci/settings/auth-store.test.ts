import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeAllCredentials, removeCredentials, storeCredentials } from "./auth-store.ts";
import { openSettings } from "./settings.ts";
import type { SettingsOptions } from "./types.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slipway-login-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const options = (more: Partial<SettingsOptions> = {}): SettingsOptions => ({
  env: { XDG_RUNTIME_DIR: join(root, "runtime"), PATH: `${root}:${process.env["PATH"]}` },
  home: join(root, "home"),
  systemRoot: root,
  uid: 1000,
  ...more,
});
const at = (registry: string, namespace = "") => ({ registry, namespace });
const me = { username: "me", password: "pa:ss wörd" };
const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

describe("login", () => {
  it("makes the file that lookups ask first, for its owner alone", async () => {
    const path = join(root, "runtime/containers/auth.json");
    expect(await storeCredentials(options(), at("h.example:5000"), me)).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, "runtime/containers")).mode & 0o777).toBe(0o700);
    expect(await openSettings(options()).credentials("h.example:5000", "any/thing")).toEqual(me);
    expect(readdirSync(join(root, "runtime/containers"))).toEqual(["auth.json"]);
  });
  it("keeps other entries and what it does not know, and closes a file that was open to others", async () => {
    const authFile = join(root, "auth.json");
    const before = { psFormat: "x", auths: { "a.example": { auth: "YTpi", email: "e" } }, HttpHeaders: { a: [1] } };
    writeFileSync(authFile, JSON.stringify(before), { mode: 0o644 });
    chmodSync(authFile, 0o644);
    await storeCredentials(options({ authFile }), at("h.example", "team"), me);
    expect(json(authFile)).toEqual({
      ...before,
      auths: { ...before.auths, "h.example/team": { auth: Buffer.from("me:pa:ss wörd").toString("base64") } },
    });
    expect(statSync(authFile).mode & 0o777).toBe(0o600);
  });
  it("writes through a link", async () => {
    writeFileSync(join(root, "real.json"), "{}");
    symlinkSync("real.json", join(root, "link.json"));
    await storeCredentials(options({ authFile: join(root, "link.json") }), at("h.example"), me);
    expect(json(join(root, "real.json"))).toHaveProperty(["auths", "h.example"]);
  });
  it("leaves a file that it cannot read as it is", async () => {
    const authFile = join(root, "auth.json");
    writeFileSync(authFile, "{,}");
    await expect(storeCredentials(options({ authFile }), at("h.example"), me)).rejects.toMatchObject({
      code: "BAD_AUTH_FILE",
    });
    expect(readFileSync(authFile, "utf8")).toBe("{,}");
  });
  it("of many at the same time loses none", async () => {
    const hosts = Array.from({ length: 6 }, (_, index) => `h${index}.example`);
    await Promise.all(hosts.map((host) => storeCredentials(options(), at(host), me)));
    const stored = json(join(root, "runtime/containers/auth.json")) as { auths: object };
    expect(Object.keys(stored.auths).sort()).toEqual(hosts.sort());
  });
});

describe("logout", () => {
  it("removes one login, older spellings included", async () => {
    const authFile = join(root, "auth.json");
    const auths = { "docker.io": {}, "https://index.docker.io/v1/": {}, "docker.io/team": {}, "a.example": {} };
    writeFileSync(authFile, JSON.stringify({ auths, other: 1 }));
    expect(await removeCredentials(options({ authFile }), at("docker.io"))).toBe(authFile);
    expect(json(authFile)).toEqual({ auths: { "docker.io/team": {}, "a.example": {} }, other: 1 });
    await removeCredentials(options({ authFile }), at("docker.io", "team"));
    expect(json(authFile)).toEqual({ auths: { "a.example": {} }, other: 1 });
  });
  it("of nobody is an error", async () => {
    await expect(removeCredentials(options(), at("h.example"))).rejects.toMatchObject({ code: "NOT_LOGGED_IN" });
  });
  it("of all empties the file", async () => {
    const authFile = join(root, "auth.json");
    await storeCredentials(options({ authFile }), at("h.example"), me);
    expect(await removeAllCredentials(options({ authFile }))).toBe(authFile);
    expect(json(authFile)).toEqual({ auths: {} });
  });
});

describe("a credential helper", () => {
  const HELPER = `#!/bin/sh
d="${"$"}{0%/*}/kept"; mkdir -p "$d"; in=$(cat); key=$(printf %s "$in" | tr -c 'a-z0-9' _)
case $1 in
  store) url=$(printf %s "$in" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/'); printf %s "$in" > "$d/$(printf %s "$url" | tr -c 'a-z0-9' _)" ;;
  get) cat "$d/$key" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) [ "$in" = bad.example ] && { echo "the chain is broken"; exit 1; }; rm "$d/$key" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
esac
`;
  beforeEach(() => writeFileSync(join(root, "docker-credential-test"), HELPER, { mode: 0o755 }));
  it("that the file names for a registry gets, gives and forgets the password", async () => {
    const authFile = join(root, "auth.json");
    const text = JSON.stringify({ credHelpers: { "h.example": "test", "bad.example": "test" } });
    writeFileSync(authFile, text);
    const own = options({ authFile });
    expect(await openSettings(own).credentials("h.example", "x")).toBeUndefined();
    expect(await storeCredentials(own, at("h.example"), me)).toBe("docker-credential-test");
    expect(readFileSync(authFile, "utf8")).toBe(text);
    expect(await openSettings(own).credentials("h.example", "x")).toEqual(me);
    await expect(storeCredentials(own, at("h.example", "team"), me)).rejects.toMatchObject({ code: "BAD_OPTION" });
    expect(await removeCredentials(own, at("h.example"))).toBe("docker-credential-test");
    expect(await openSettings(own).credentials("h.example", "x")).toBeUndefined();
    await expect(removeCredentials(own, at("bad.example"))).rejects.toThrow(/"the chain is broken"/);
  });
  it("is asked for Docker Hub under Docker's key when it is the general one", async () => {
    const authFile = join(root, "auth.json");
    writeFileSync(authFile, JSON.stringify({ credsStore: "test" }));
    await storeCredentials(options({ authFile }), at("docker.io"), { username: "<token>", password: "t" });
    expect(readdirSync(join(root, "kept"))).toEqual(["https___index_docker_io_v1_"]);
    expect(await openSettings(options({ authFile })).credentials("docker.io", "library/x")).toEqual({
      identityToken: "t",
    });
  });
  it.each([
    ["test/../../evil", "is no name of a credential helper"],
    ["surely-not-there", "it is not installed"],
    ["babbling", "its answer is no JSON object"],
    ["silent", "its answer has no Username and Secret"],
  ])("%s is an error that names it and the file", async (name, message) => {
    writeFileSync(join(root, "docker-credential-babbling"), "#!/bin/sh\necho S3CRET\n", { mode: 0o755 });
    writeFileSync(join(root, "docker-credential-silent"), "#!/bin/sh\necho '{}'\n", { mode: 0o755 });
    const authFile = join(root, "auth.json");
    writeFileSync(authFile, JSON.stringify({ credHelpers: { "h.example": name } }));
    const asked = openSettings(options({ authFile })).credentials("h.example", "x");
    await expect(asked).rejects.toMatchObject({ code: "HELPER_FAILED", message: expect.stringContaining(message) });
    await expect(asked).rejects.toThrow(authFile);
    await expect(asked).rejects.not.toThrow(/S3CRET/);
  });
});
