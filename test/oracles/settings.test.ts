/**
 * skopeo decides what registries.conf and auth.json mean: against a loopback registry that has nothing, it asks the same
 * places in the same order as our settings name, with the same credentials; logins are each other's.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect } from "vitest";
import { encodeAuth } from "../../src/oci/settings/auth-file.ts";
import { openSettings, removeCredentials, type SettingsOptions, storeCredentials } from "../../src/oci/index.ts";
import { oracle, run, tempDir, type TempFolder } from "../support/tools.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;

interface FakeRegistry extends AsyncDisposable {
  readonly host: string;
  /** `ns/x` of each manifest that was asked for, with the user that asked. */
  readonly asked: string[];
}

/** Knows no image; lets in whoever says a password. */
async function emptyRegistry(): Promise<FakeRegistry> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const name = /^\/v2\/(.+)\/manifests\//.exec(request.url ?? "")?.[1];
    if (basic === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    } else if (name === undefined) response.end("{}");
    else {
      asked.push(`${name} ${Buffer.from(basic, "base64").toString()}`);
      response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const user = (name: string): { readonly auth: string } => ({ auth: encodeAuth(name, "pw") });
const put = (home: TempFolder, name: string, text: string): void => {
  mkdirSync(home.join(".config/containers/registries.conf.d"), { recursive: true });
  writeFileSync(home.join(".config/containers", name), text);
};
const ours = (home: TempFolder): SettingsOptions => ({
  env: { XDG_RUNTIME_DIR: home.path },
  home: home.path,
  systemRoot: home.join("nowhere"),
});
const skopeo = (home: TempFolder, args: readonly string[], input?: string) =>
  run("skopeo", args, {
    env: { HOME: home.path, XDG_RUNTIME_DIR: home.path, XDG_CONFIG_HOME: undefined, REGISTRY_AUTH_FILE: undefined },
    allowExit: [0, 1],
    ...(input === undefined ? {} : { input }),
  });

describe("registries.conf", () => {
  oracle(
    "skopeo",
    "sends names where skopeo goes, with the credentials that skopeo shows there",
    async () => {
      await using registry = await emptyRegistry();
      using home = tempDir();
      const { host, asked } = registry;
      const at = (path: string): string => `location = "${host}/${path}"\ninsecure = true\n`;
      put(
        home,
        "registries.conf",
        `[[registry]]\nprefix = "a.example"\n${at("all")}
[[registry]]\nprefix = "a.example/ns"\n${at("ns")}
[[registry.mirror]]\n${at("m0")}
[[registry.mirror]]\n${at("m1/deep")}pull-from-mirror = "digest-only"
[[registry.mirror]]\n${at("m2")}pull-from-mirror = "tag-only"
[[registry]]\nprefix = "a.example/ns/only"\n${at("only")}mirror-by-digest-only = true
[[registry.mirror]]\n${at("m3")}
[[registry.mirror]]\n${at("blocked/m")}
[[registry]]\nprefix = "${host}/blocked"\nlocation = "${host}/blocked"\nblocked = true
[[registry]]\nprefix = "*.wild.example"\n${at("wild")}
[[registry]]\nprefix = "b.example"\n${at("earlier")}
[[registry]]\nlocation = "blocked.example"\nblocked = true\n`,
      );
      put(home, "registries.conf.d/10.conf", `[[registry]]\nprefix = "b.example"\n${at("later")}`);
      put(home, "registries.conf.d/20.conf", `[[registry]]\nprefix = "c.example"\n${at("all/c")}`);
      const auths = {
        [host]: user("host"),
        [`${host}/ns`]: user("ns"),
        [`${host}/m1/deep`]: user("deep"),
        [`${host}/all/c/x`]: user("x"),
        [`https://${host}/v1/`]: user("never"),
      };
      mkdirSync(home.join("containers"));
      writeFileSync(home.join("containers/auth.json"), JSON.stringify({ auths }));
      const settings = openSettings(ours(home));
      for (const name of [
        "a.example/x",
        "a.example/ns/x",
        "a.example/ns/x/y",
        "a.example/nsx/y",
        "a.example/ns/only/x",
        "sub.wild.example/x",
        "b.example/x",
        "c.example/x",
        "c.example/y/z",
      ]) {
        for (const [kind, version] of [
          ["tag", ":1"],
          ["digest", `@${DIGEST}`],
        ] as const) {
          asked.length = 0;
          await skopeo(home, ["inspect", "--raw", `docker://${name}${version}`]);
          const [domain = "", ...path] = name.split("/");
          const expected = [];
          for (const { registry: to, repository, insecure } of await settings.endpoints(domain, path.join("/"), kind)) {
            expect([to, insecure]).toEqual([host, true]);
            const credentials = await settings.credentials(to, repository);
            expected.push(`${repository} ${JSON.stringify(credentials)}`);
          }
          const theirs = asked.map((line) => line.replace(/(\S+):(\S+)$/, '{"username":"$1","password":"$2"}'));
          expect({ name, kind, asked: theirs }).toEqual({ name, kind, asked: expected });
        }
      }
      for (const name of ["blocked.example/x", "blocked.example:443/x"]) {
        const blocked = await skopeo(home, ["inspect", "--raw", `docker://${name}:1`]);
        expect(blocked.stderr).toMatch(/blocked/);
      }
      await expect(settings.endpoints("blocked.example:443", "x", "tag")).rejects.toMatchObject({ code: "BLOCKED" });
      await expect(settings.endpoints("blocked.example", "x", "tag")).rejects.toMatchObject({ code: "BLOCKED" });
    },
    { proves: "registries.conf and auth.json mean what they mean to the containers tools" },
  );
});

describe("logins", () => {
  oracle(
    "skopeo",
    "of one are logins of the other",
    async () => {
      await using registry = await emptyRegistry();
      using home = tempDir();
      const { host } = registry;
      const path = home.join("containers/auth.json");
      expect(
        await storeCredentials(ours(home), { registry: host, namespace: "" }, { username: "me", password: "a:ü" }),
      ).toBe(path);
      expect((await skopeo(home, ["login", "--get-login", host])).stdout).toBe("me\n");
      await skopeo(home, ["login", "--tls-verify=false", "-u", "they", "--password-stdin", `${host}/team`], "pw");
      expect(await openSettings(ours(home)).credentials(host, "team/x")).toEqual({ username: "they", password: "pw" });
      expect(await openSettings(ours(home)).credentials(host, "other/x")).toEqual({ username: "me", password: "a:ü" });
      await removeCredentials(ours(home), { registry: host, namespace: "team" });
      await skopeo(home, ["logout", host]);
      expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ auths: {} });
      expect(statSync(path).mode & 0o777).toBe(0o600);
    },
    { proves: "auth.json is shared with the containers tools" },
  );
});
