/** Our registry as foreign tools see it, killed in the middle, and as a mirror in front of another. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { hashSync } from "bcryptjs";
import { describe, expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { nameImage, putBlob, putJson, readBlob, readIndex, sha256 } from "../support/layout.ts";
import { pushThroughKills } from "../support/push-through-kills.ts";
import { serveRegistry } from "../support/registry.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

const SKOPEO = ["--insecure-policy", "--override-arch", "amd64", "--override-os", "linux"];
const TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

/** A layout with a list of two images named `os`; the digest of the list. */
function makeLayout(layout: string): string {
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const manifests = ["amd64", "arm64"].map((architecture) => {
    const tars = [0, 1].map(() => randomBytes(700_000));
    const layers = tars.map((tar) => putBlob(layout, TYPES.layer, gzipSync(tar)));
    const diffIds = tars.map((tar) => `sha256:${sha256(tar)}`);
    const config = { os: "linux", architecture, rootfs: { type: "layers", diff_ids: diffIds } };
    const manifest = {
      schemaVersion: 2,
      mediaType: TYPES.manifest,
      config: putJson(layout, TYPES.config, config),
      layers,
    };
    return { ...putJson(layout, TYPES.manifest, manifest), platform: { os: "linux", architecture } };
  });
  const index = putJson(layout, TYPES.index, { schemaVersion: 2, mediaType: TYPES.index, manifests });
  nameImage(layout, index, "os");
  return index.digest;
}

interface MirroredRegistry extends AsyncDisposable {
  readonly host: string;
}

async function skopeo(...argv: string[]): Promise<string> {
  return (await run("skopeo", [...SKOPEO, ...argv])).stdout;
}

describe("podman", () => {
  oracle(
    ["podman", asRoot],
    "builds an image, pushes it, and pulls it again by tag and by digest",
    async () => {
      using folder = tempDir();
      await using registry = await serveRegistry(folder.join("registry"));
      const context = folder.join("context");
      mkdirSync(context);
      writeFileSync(join(context, "file"), "from podman\n");
      writeFileSync(join(context, "Containerfile"), "FROM scratch\nCOPY file /file\n");
      const storage = ["--root", folder.join("storage"), "--runroot", folder.join("run"), "--storage-driver", "vfs"];
      const podman = async (...argv: string[]): Promise<string> =>
        (await run("podman", [...storage, ...argv])).stdout.trim();
      const image = `${registry.host}/team/podman`;
      await podman("build", "-q", "-t", `${image}:1`, context);
      await podman("push", "-q", "--tls-verify=false", "--digestfile", folder.join("digest"), `${image}:1`);
      const digest = readFileSync(folder.join("digest"), "utf8").trim();
      const id = await podman("image", "inspect", "--format", "{{.Id}}", `${image}:1`);
      for (const name of [`${image}:1`, `${image}@${digest}`]) {
        await podman("rmi", "--force", id);
        expect(await podman("pull", "-q", "--tls-verify=false", name)).toBe(id);
      }
    },
    { proves: "podman works with our registry" },
  );
});

describe("skopeo", () => {
  oracle(
    "skopeo",
    "pushes, lists, copies, pulls and deletes, and every digest stays",
    async () => {
      using folder = tempDir();
      const digest = makeLayout(folder.join("layout"));
      await using registry = await serveRegistry(folder.join("registry"));
      const image = `docker://${registry.host}/team/os`;
      const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
      await skopeo("copy", "--all", ...insecure, `oci:${folder.join("layout")}:os`, `${image}:1`);
      expect(
        `sha256:${sha256(Buffer.from(await skopeo("inspect", "--raw", "--tls-verify=false", `${image}:1`)))}`,
      ).toBe(digest);
      await skopeo("copy", "--all", ...insecure, `${image}:1`, `docker://${registry.host}/other/os:2`);
      await skopeo(
        "copy",
        "--all",
        ...insecure,
        `docker://${registry.host}/other/os@${digest}`,
        `oci:${folder.join("back")}:os`,
      );
      expect(readIndex(folder.join("back")).manifests[0]?.digest).toBe(digest);
      expect(readBlob(folder.join("back"), digest)).toEqual(readBlob(folder.join("layout"), digest));
      await skopeo("copy", "--format", "v2s2", ...insecure, `${image}:1`, `${image}:docker`);
      const { Tags: tags } = JSON.parse(await skopeo("list-tags", "--tls-verify=false", image)) as { Tags: string[] };
      expect(tags).toEqual(["1", "docker"]);
      await skopeo("delete", "--tls-verify=false", `${image}:1`);
      await expect(skopeo("inspect", "--tls-verify=false", `${image}:1`)).rejects.toThrow("manifest unknown");
      expect(registry.log()).not.toContain('"status":500');
      expect(await registry.end("SIGTERM")).toBe(0);
    },
    { proves: "our registry serves the containers tools" },
  );

  const logsInAndPulls =
    (startUpstream: (directory: string, htpasswd: string) => Promise<MirroredRegistry>) => async () => {
      using folder = tempDir();
      const digest = makeLayout(folder.join("layout"));
      writeFileSync(folder.join("users"), `ci:${hashSync("upstream-secret", 5)}\n`);
      mkdirSync(folder.join("upstream"));
      await using upstream = await startUpstream(folder.join("upstream"), folder.join("users"));
      const pushed = `docker://${upstream.host}/team/os:1`;
      const push = (creds: string): Promise<string> =>
        skopeo(
          "copy",
          "--all",
          "--dest-tls-verify=false",
          "--dest-creds",
          creds,
          `oci:${folder.join("layout")}:os`,
          pushed,
        );
      await expect(push("ci:wrong")).rejects.toThrow(/unauthorized|authentication/i);
      await push("ci:upstream-secret");
      const auth = Buffer.from("ci:upstream-secret").toString("base64");
      writeFileSync(folder.join("auth.json"), JSON.stringify({ auths: { [upstream.host]: { auth } } }));
      const options = ["--mirror", `http://${upstream.host}`, "--authfile", folder.join("auth.json")];
      await using mirror = await serveRegistry(folder.join("mirror"), options);
      const pull = async (to: string): Promise<string | undefined> => {
        await skopeo(
          "copy",
          "--all",
          "--src-tls-verify=false",
          `docker://${mirror.host}/team/os:1`,
          `oci:${folder.join(to)}:os`,
        );
        return readIndex(folder.join(to)).manifests[0]?.digest;
      };
      expect(await pull("first")).toBe(digest);
      await upstream[Symbol.asyncDispose]();
      expect(await pull("second")).toBe(digest);
      const missing = await fetch(`${mirror.url}/v2/team/os/manifests/2`);
      expect(missing.status).toBe(502);
      expect(`${await missing.text()}${mirror.log()}`).not.toMatch(new RegExp(`upstream-secret|${auth}`));
      expect(await mirror.end("SIGTERM")).toBe(0);
    };
  oracle(
    "skopeo",
    "logs in with a password, and pulls through a mirror that keeps it for itself and works offline",
    logsInAndPulls((directory, htpasswd) => serveRegistry(directory, ["--htpasswd", htpasswd])),
    { proves: "our mirror serves the containers tools" },
  );

  oracle(
    ["skopeo", "docker-registry"],
    "pulls through our mirror of docker-registry",
    logsInAndPulls(startDockerRegistry),
    { proves: "our mirror reads the registry that most people run" },
  );
});

describe("a registry that is killed again and again", () => {
  test("loses no blob that it has answered for, and serves none with a wrong digest", async () => {
    using folder = tempDir();
    const result = await pushThroughKills(folder.join("registry"), { blobs: 24, blobBytes: 3_000_000, kills: 6 });
    expect(result.acknowledged).toBe(24);
    expect(result.wrong).toEqual([]);
    expect(result.resumed).toBeGreaterThan(0);
  }, 120_000);
});

describe("curl", () => {
  oracle(
    ["curl", "openssl"],
    "talks to it over TLS, with a password, in parts",
    async () => {
      using folder = tempDir();
      const [cert, key] = [folder.join("cert.pem"), folder.join("key.pem")];
      const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
      await run("openssl", [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        ...subject,
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        cert,
      ]);
      writeFileSync(folder.join("users"), `ci:${hashSync("secret", 5)}\n`);
      const options = ["--tls-cert", cert, "--tls-key", key, "--htpasswd", folder.join("users")];
      await using registry = await serveRegistry(folder.join("registry"), options);
      expect(registry.url).toMatch(/^https:/);
      const bytes = randomBytes(2_000_000);
      writeFileSync(folder.join("blob"), bytes);
      const digest = `sha256:${sha256(bytes)}`;
      const curl = async (...argv: string[]): Promise<string> =>
        (await run("curl", ["-s", "--cacert", cert, "-u", "ci:secret", ...argv])).stdout;
      const head = await curl("-D", "-", "-o", "/dev/null", "-X", "POST", `${registry.url}/v2/a/blobs/uploads/`);
      const location = /^location: (\S+)/im.exec(head)?.[1] ?? "";
      // More than 1 MiB: curl waits for 100 Continue.
      const put = ["-T", folder.join("blob"), "-o", "/dev/null", "-w", "%{http_code}"];
      expect(await curl(...put, `${registry.url}${location}?digest=${digest}`)).toBe("201");
      await curl("-r", "0-999999", "-o", folder.join("back"), `${registry.url}/v2/a/blobs/${digest}`);
      await curl("-C", "-", "-o", folder.join("back"), `${registry.url}/v2/a/blobs/${digest}`);
      expect(sha256(readFileSync(folder.join("back")))).toBe(sha256(bytes));
      expect(await curl("-u", "ci:wrong", "-o", "/dev/null", "-w", "%{http_code}", `${registry.url}/v2/`)).toBe("401");
      expect(await registry.end("SIGTERM")).toBe(0);
    },
    { proves: "our registry speaks TLS, 100 Continue and Range as curl does" },
  );
});
