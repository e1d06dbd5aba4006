import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseImageName } from "../reference.ts";
import { encodeAuth } from "./auth-file.ts";
import { openSettings } from "./settings.ts";
import type { SettingsOptions } from "./types.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slipway-settings-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string): string => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  return join(root, path);
};
const auths = (...names: string[]): string =>
  JSON.stringify({
    auths: Object.fromEntries(names.map((name) => [name, { auth: encodeAuth(`user-${name}`, "pw") }])),
  });
const options = (more: Partial<SettingsOptions> = {}): SettingsOptions => ({
  env: { XDG_RUNTIME_DIR: join(root, "runtime") },
  home: join(root, "home"),
  systemRoot: root,
  uid: 1000,
  storeDescription: "/the/store",
  ...more,
});
const settings = (more: Partial<SettingsOptions> = {}) => openSettings(options(more));
const who = async (registry: string, more: Partial<SettingsOptions> = {}): Promise<unknown> => {
  const found = await settings(more).credentials(registry, "ns/app");
  return found !== undefined && "username" in found ? found.username : found;
};

describe("credentials", () => {
  it("come from the first file that has them", async () => {
    const places = [
      "usr/lib/ostree/auth.json",
      "etc/ostree/auth.json",
      "run/ostree/auth.json",
      "home/.docker/config.json",
      "home/.config/containers/auth.json",
      "runtime/containers/auth.json",
    ];
    expect(await who("h.example")).toBeUndefined();
    for (const [index, place] of places.entries()) {
      write(place, JSON.stringify({ auths: { "h.example": { auth: encodeAuth(`${index}`, "pw") } } }));
      expect(await who("h.example")).toBe(`${index}`);
    }
    write("home/.dockercfg", JSON.stringify({ "old.example": { auth: encodeAuth("old", "pw") } }));
    expect(await who("old.example")).toBe("old");
  });
  it("in an earlier file win over a more specific key in a later one", async () => {
    write("runtime/containers/auth.json", auths("h.example"));
    write("home/.docker/config.json", auths("h.example/ns/app"));
    expect(await who("h.example")).toBe("user-h.example");
  });
  it("are looked for where the environment says", async () => {
    write("cfg/containers/auth.json", auths("a.example"));
    write("docker/config.json", auths("b.example"));
    write("mine.json", auths("c.example"));
    write("run/containers/1000/auth.json", auths("d.example"));
    const env = { XDG_CONFIG_HOME: join(root, "cfg"), DOCKER_CONFIG: join(root, "docker") };
    expect(await who("a.example", { env })).toBe("user-a.example");
    expect(await who("b.example", { env })).toBe("user-b.example");
    expect(await who("d.example", { env })).toBe("user-d.example");
    expect(await who("c.example", { env: { REGISTRY_AUTH_FILE: join(root, "mine.json") } })).toBe("user-c.example");
  });
  it("of --authfile come first, and it must be there", async () => {
    write("home/.docker/config.json", auths("b.example"));
    write("runtime/containers/auth.json", auths("a.example"));
    const authFile = write("mine.json", auths("c.example"));
    expect(await who("c.example", { authFile })).toBe("user-c.example");
    expect(await who("b.example", { authFile })).toBe("user-b.example");
    // It takes the place of the file that login writes.
    expect(await who("a.example", { authFile })).toBeUndefined();
    await expect(who("c.example", { authFile: join(root, "none.json") })).rejects.toMatchObject({
      code: "BAD_AUTH_FILE",
      message: expect.stringContaining("none.json: there is no such file"),
    });
  });
  it("in a file that cannot be read are an error, not a pull as nobody", async () => {
    write("home/.docker/config.json", "{\n\n,}");
    await expect(who("b.example")).rejects.toThrow(/config\.json: line 3: it is no JSON/);
    await expect(who("b.example", { authFile: root })).rejects.toMatchObject({ code: "IO" });
  });
  it("in a file that is too large are an error", async () => {
    write("home/.docker/config.json", `{"auths": {}, "x": "${"x".repeat(1024 * 1024)}"}`);
    await expect(who("b.example")).rejects.toMatchObject({ code: "LIMIT" });
  });
});

describe("credential helpers", () => {
  const calls: string[] = [];
  const runHelper: NonNullable<SettingsOptions["runHelper"]> = (name, verb, input) => {
    calls.push(`${name} ${verb} ${input}`);
    return Promise.resolve(
      name === "full"
        ? { exitCode: 0, stdout: JSON.stringify({ ServerURL: input, Username: `full-${input}`, Secret: "s" }) }
        : { exitCode: 1, stdout: "credentials not found in native keychain\n" },
    );
  };
  it("of a registry win over the entries of the same file", async () => {
    const entries = JSON.parse(auths("h.example", "i.example")) as object;
    write(
      "home/.docker/config.json",
      JSON.stringify({ ...entries, credHelpers: { "h.example": "full", "j.example": "empty" } }),
    );
    expect(await who("h.example", { runHelper })).toBe("full-h.example");
    expect(await who("i.example", { runHelper })).toBe("user-i.example");
    expect(await who("j.example", { runHelper })).toBeUndefined();
  });
  it("of credsStore come after entries, with Docker's key for its hub", async () => {
    write("home/.docker/config.json", JSON.stringify({ auths: { "docker.io": {} }, credsStore: "full" }));
    expect(await who("docker.io", { runHelper })).toBe("full-https://index.docker.io/v1/");
    expect(await who("k.example", { runHelper })).toBe("full-k.example");
  });
  it("of credsStore that are not installed are said, not fatal", async () => {
    const notices: string[] = [];
    write("home/.docker/config.json", JSON.stringify({ credsStore: "surely-not-there" }));
    expect(await who("k.example", { notify: (text) => notices.push(text) })).toBeUndefined();
    expect(notices).toEqual([expect.stringContaining("docker-credential-surely-not-there, which is not installed")]);
  });
  it("of registries.conf stand where containers-auth.json is in their list", async () => {
    write("runtime/containers/auth.json", auths("h.example"));
    write("etc/containers/registries.conf", 'credential-helpers = ["empty", "containers-auth.json", "full"]');
    calls.length = 0;
    expect(await who("h.example", { runHelper })).toBe("user-h.example");
    expect(await who("x.example", { runHelper })).toBe("full-x.example");
    expect(calls).toEqual(["empty get h.example", "empty get x.example", "full get x.example"]);
  });
});

describe("registries.conf", () => {
  const table = (prefix: string, location: string): string =>
    `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`;
  const goesTo = async (registry: string, more: Partial<SettingsOptions> = {}): Promise<string | undefined> =>
    (await settings(more).endpoints(registry, "x", "tag")).at(-1)?.registry;
  it("of the system is followed by its drop-ins, then the user's, in the order of their names", async () => {
    write("etc/containers/registries.conf", table("a.example", "one.example") + table("b.example", "one.example"));
    expect(await goesTo("a.example")).toBe("one.example");
    write("etc/containers/registries.conf.d/20-x.conf", table("a.example", "three.example"));
    write("etc/containers/registries.conf.d/10-x.conf", table("a.example", "two.example"));
    write("etc/containers/registries.conf.d/99-x.conf.bak", "no toml");
    expect(await goesTo("a.example")).toBe("three.example");
    write("home/.config/containers/registries.conf.d/01.conf", table("a.example", "four.example"));
    expect(await goesTo("a.example")).toBe("four.example");
    expect(await goesTo("b.example")).toBe("one.example");
  });
  it("of the user takes the place of all of the system's", async () => {
    write("etc/containers/registries.conf", table("a.example", "one.example"));
    write("etc/containers/registries.conf.d/20-x.conf", table("b.example", "two.example"));
    write("home/.config/containers/registries.conf", table("c.example", "three.example"));
    expect(await Promise.all(["a.example", "b.example", "c.example"].map((host) => goesTo(host)))).toEqual([
      "a.example",
      "b.example",
      "three.example",
    ]);
  });
  it("named by option or environment is the only one", async () => {
    write("etc/containers/registries.conf.d/20-x.conf", table("a.example", "two.example"));
    const registriesConf = write("mine.conf", table("b.example", "mine.example"));
    expect(await goesTo("a.example", { registriesConf })).toBe("a.example");
    expect(await goesTo("b.example", { env: { CONTAINERS_REGISTRIES_CONF: registriesConf } })).toBe("mine.example");
    await expect(goesTo("b.example", { registriesConf: "/none.conf" })).rejects.toThrow(
      /\/none\.conf: there is no such/,
    );
  });
  it("is outranked by --tls-verify in both directions", async () => {
    write("etc/containers/registries.conf", '[[registry]]\nlocation = "a.example"\ninsecure = true');
    const insecure = async (more: Partial<SettingsOptions>): Promise<unknown> => [
      (await settings(more).endpoints("a.example", "x", "tag"))[0]?.insecure,
      (await settings(more).pushEndpoint("b.example", "x")).insecure,
      (await settings(more).tls("a.example")).verify,
    ];
    expect(await insecure({})).toEqual([true, false, true]);
    expect(await insecure({ tlsVerify: true })).toEqual([false, false, true]);
    expect(await insecure({ tlsVerify: false })).toEqual([true, true, false]);
  });
});

describe("a short name", () => {
  const resolve = async (text: string, more: Partial<SettingsOptions> = {}): Promise<string[]> =>
    (await settings(more).shortNameCandidates(parseImageName(text))).map(
      (name) => `${name.registry}/${name.repository}`,
    );
  const DIGEST = `sha256:${"0".repeat(64)}`;
  it("is its alias, with its own tag and digest, and this is said", async () => {
    const path = write("etc/containers/registries.conf.d/s.conf", '[aliases]\ndebian = "docker.io/library/debian"');
    const notices: string[] = [];
    const name = parseImageName(`debian:trixie@${DIGEST}`);
    expect((await settings({ notify: (text) => notices.push(text) }).shortNameCandidates(name))[0]).toEqual({
      registry: "docker.io",
      repository: "library/debian",
      tag: "trixie",
      digest: DIGEST,
    });
    expect(notices).toEqual([
      `debian:trixie@${DIGEST} is docker.io/library/debian:trixie@${DIGEST}, by an alias in ${path}`,
    ]);
  });
  it("with a registry is what it is", async () => {
    expect(await resolve("localhost/debian")).toEqual(["localhost/debian"]);
  });
  it("is the alias of the last file, and none when that takes it back", async () => {
    write("etc/containers/registries.conf", '[aliases]\nx = "a.example/x"\ny = "a.example/y"\nz = "a.example/z"');
    write("home/.config/containers/registries.conf.d/1.conf", '[aliases]\nx = "b.example/x"\ny = ""');
    write("home/.cache/containers/short-name-aliases.conf", '[aliases]\nz = "recorded.example/z"');
    expect(await resolve("x")).toEqual(["b.example/x"]);
    expect(await resolve("z")).toEqual(["recorded.example/z"]);
    await expect(resolve("y")).rejects.toMatchObject({ code: "UNKNOWN_SHORT_NAME" });
  });
  it("that nobody knows is an error that names the store and the files", async () => {
    const error = {
      code: "UNKNOWN_SHORT_NAME",
      message: expect.stringContaining("/the/store) has no localhost/debian:trixie"),
    };
    const nowhere = expect.stringContaining(`looked for ${join(root, "etc/containers/registries.conf")}`);
    await expect(resolve("debian:trixie")).rejects.toMatchObject(error);
    await expect(resolve("debian:trixie")).rejects.toMatchObject({ message: nowhere });
    const path = write("etc/containers/registries.conf.d/s.conf", '[aliases]\nother = "a.example/x"');
    await expect(resolve("debian:trixie")).rejects.toMatchObject(error);
    await expect(resolve("debian:trixie")).rejects.toThrow(`has an alias for debian (${path})`);
  });
  it("may be looked for in the registries that are listed for it, which is said", async () => {
    const path = write(
      "etc/containers/registries.conf",
      'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "enforcing"',
    );
    const notices: string[] = [];
    expect(await resolve("debian", { notify: (text) => notices.push(text) })).toEqual(["docker.io/library/debian"]);
    expect(notices).toEqual([
      `debian is taken for docker.io/library/debian, by unqualified-search-registries in ${path}`,
    ]);
  });
  it("in several registries depends on short-name-mode", async () => {
    const list = 'unqualified-search-registries = ["a.example", "b.example"]\n';
    for (const mode of ["", 'short-name-mode = "permissive"', 'short-name-mode = "disabled"']) {
      write("etc/containers/registries.conf", list + mode);
      expect(await resolve("x/y")).toEqual(["a.example/x/y", "b.example/x/y"]);
    }
    write("etc/containers/registries.conf", `${list}short-name-mode = "enforcing"`);
    await expect(resolve("x/y:1")).rejects.toThrow(
      /a\.example\/x\/y:1 or b\.example\/x\/y:1; .*short-name-mode = "enforcing"/,
    );
  });
});
