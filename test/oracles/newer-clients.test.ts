/** buildah and oras of Debian trixie against our places and our registry. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { type JsonManifest, readIndex, sha256 } from "../support/layout.ts";
import { newerTools } from "../support/newer-tools.ts";
import { oracleRoot } from "../support/oracle-root.ts";
import { serveRegistry } from "../support/registry.ts";
import { debianImage, SHARED_STORE } from "../support/slipway.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { oracle, tempDir } from "../support/tools.ts";

const PLAIN = "--tls-verify=false";

const digestIn = (layout: string): string => readIndex(layout).manifests[0]?.digest ?? "";

describe("buildah of trixie", () => {
  oracle(
    oracleRoot,
    "builds on a Debian image of ours and pushes, and we read what it made",
    async () => {
      using folder = tempDir();
      const { buildah, ours } = newerTools(folder, [SHARED_STORE]);
      await using registry = await serveRegistry(folder.join("registry"));
      const base = `oci:${SHARED_STORE}:localhost/${await debianImage("trixie")}`;
      const name = `${registry.host}/team/os:made`;
      // Limits that any machine has; more would need a capability that containers often lack.
      const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"];
      const container = (await buildah("from", ...limits, base)).trim();
      const told = await buildah("run", "--isolation=chroot", container, "--", "sh", "-c", "id -u && touch /usr/added");
      expect(told.trim()).toBe("0");
      const id = (await buildah("commit", "--quiet", container, "made")).trim();
      await buildah("push", PLAIN, "made", `docker://${name}`);

      await ours("pull", "--tls-verify", "false", name);
      const raw = await ours("inspect", "--raw", name);
      const manifest = JSON.parse(raw) as JsonManifest;
      expect(manifest.config.digest).toBe(`sha256:${id}`);
      expect(manifest.layers).toHaveLength(2);
      const plan = await ours("disk", "create", name, "--dry-run", "--json", "-o", folder.join("disk"));
      expect(JSON.parse(plan)).toMatchObject({ manifestDigest: `sha256:${sha256(Buffer.from(raw))}` });
    },
    { proves: "images of ours are bases of builds, and the results become disks" },
  );

  oracle(
    oracleRoot,
    "pulls images of ours from our registry, with the digest they have",
    async () => {
      using folder = tempDir();
      const { buildah, ours } = newerTools(folder);
      await using registry = await serveRegistry(folder.join("registry"));
      const image = `docker://${registry.host}/team/os:1`;
      await ours(
        "copy",
        "--tls-verify",
        "false",
        tinyImage(folder.join("layout"), [TINY_SYSTEM], { compression: ["zstd"] }),
        image,
      );
      const id = (await buildah("pull", "--quiet", PLAIN, image)).trim();
      const found = JSON.parse(await buildah("inspect", "--type=image", id)) as { FromImageDigest: string };
      expect(found.FromImageDigest).toBe(digestIn(folder.join("layout")));
    },
    { proves: "our registry serves buildah" },
  );
});

describe("oras", () => {
  oracle(
    oracleRoot,
    "pushes, attaches, discovers, copies, pulls and deletes in our registry",
    async () => {
      using folder = tempDir();
      const { oras, ours } = newerTools(folder);
      await using registry = await serveRegistry(folder.join("registry"));
      const name = `${registry.host}/team/file`;
      writeFileSync(folder.join("disk"), "not much of a disk");
      writeFileSync(folder.join("sbom"), "{}");
      const kind = "application/x.test.disk";
      await oras("push", "--plain-http", "--artifact-type", kind, `${name}:1`, `disk:${kind}`);
      await oras("attach", "--plain-http", "--artifact-type", "application/x.sbom", `${name}:1`, "sbom");
      expect(await oras("discover", "--plain-http", `${name}:1`)).toContain("application/x.sbom");
      await oras("copy", "-r", "--from-plain-http", "--to-plain-http", `${name}:1`, `${registry.host}/other/file:2`);
      expect(await oras("discover", "--plain-http", `${registry.host}/other/file:2`)).toContain("application/x.sbom");
      expect((await oras("repo", "tags", "--plain-http", name)).trim()).toBe("1");
      expect((await oras("repo", "ls", "--plain-http", registry.host)).trim().split("\n")).toEqual([
        "other/file",
        "team/file",
      ]);

      // By way of us, with its digest.
      const from = `docker://${registry.host}/other/file:2`;
      await ours("copy", "--tls-verify", "false", from, `oci:${folder.join("layout")}:2`);
      await oras("copy", "--from-oci-layout", "--to-plain-http", `${folder.join("layout")}:2`, `${name}:3`);
      expect((await oras("resolve", "--plain-http", `${name}:3`)).trim()).toBe(digestIn(folder.join("layout")));
      await oras("pull", "--plain-http", "-o", "pulled", `${name}:3`);
      expect(readFileSync(folder.join("pulled", "disk"), "utf8")).toBe("not much of a disk");
      await oras("manifest", "delete", "--plain-http", "-f", `${name}:1`);
      await expect(oras("resolve", "--plain-http", `${name}:1`)).rejects.toThrow("not found");
      expect(registry.log()).not.toContain('"status":500');
    },
    { proves: "our registry keeps artifacts for other tools" },
  );

  oracle(
    oracleRoot,
    "discovers the referrers that we have copied, and we find those that it has copied",
    async () => {
      using folder = tempDir();
      const { oras, ours } = newerTools(folder);
      await using registry = await serveRegistry(folder.join("registry"));
      const insecure = ["--tls-verify", "false"];
      const name = `${registry.host}/team/os:1`;
      await ours("copy", ...insecure, tinyImage(folder.join("layout"), [TINY_SYSTEM]), `docker://${name}`);
      for (const file of ["sbom", "report"]) writeFileSync(folder.join(file), `{"file":"${file}"}`);
      await oras("attach", "--plain-http", "--artifact-type", "application/x.sbom", name, "sbom");
      const [sbom] = /sha256:[0-9a-f]{64}/.exec(await oras("discover", "--plain-http", "--format", "json", name)) ?? [];
      const first = `${registry.host}/team/os@${sbom}`;
      await oras("attach", "--plain-http", "--artifact-type", "application/x.report", first, "report");
      const tree = (text: string): string => text.slice(text.indexOf("\n"));
      const wanted = tree(await oras("discover", "--plain-http", name));
      expect(wanted).toContain("application/x.report");

      // By way of the local store and of a layout of ours.
      await ours("pull", ...insecure, "--referrers", name);
      const other = `${registry.host}/other/os:1`;
      await ours("push", ...insecure, "--referrers", name, `docker://${other}`);
      expect(tree(await oras("discover", "--plain-http", other))).toBe(wanted);

      // What oras wrote into a layout.
      await oras("copy", "-r", "--from-plain-http", "--to-oci-layout", name, `${folder.join("theirs")}:1`);
      const third = `${registry.host}/third/os:1`;
      await ours("copy", ...insecure, "--referrers", `oci:${folder.join("theirs")}:1`, `docker://${third}`);
      expect(tree(await oras("discover", "--plain-http", third))).toBe(wanted);
      const fourth = `${registry.host}/fourth/os:1`;
      await ours("copy", ...insecure, `oci:${folder.join("theirs")}:1`, `docker://${fourth}`);
      expect(await oras("discover", "--plain-http", fourth)).not.toContain("application/x.sbom");
    },
    { proves: "what refers to an image travels with it" },
  );
});
