/** Signatures against cosign of Debian trixie, both ways, in our registry. */
import { writeFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { MEDIA_TYPE } from "../../src/oci/index.ts";
import { type JsonDescriptor, nameImage, putJson, readIndex } from "../support/layout.ts";
import { type NewerTools, newerTools } from "../support/newer-tools.ts";
import { oracleRoot } from "../support/oracle-root.ts";
import { serveRegistry } from "../support/registry.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { oracle, tempDir, type TempFolder } from "../support/tools.ts";

const SIGN_V1 = "https://sigstore.dev/cosign/sign/v1";
const TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
/** Nothing leaves this machine. */
const OFFLINE_SIGN = ["--tlog-upload=false", "--allow-insecure-registry", "--yes"];
const OFFLINE_VERIFY = ["--insecure-ignore-tlog=true", "--allow-insecure-registry"];
const INSECURE = ["--tls-verify", "false"];

/** A registry with a list of two images, and both tools beside it. */
interface Bench extends NewerTools, AsyncDisposable {
  readonly folder: TempFolder;
  /** `HOST/team/os:1` */
  readonly name: string;
  /** `HOST/team/os@DIGEST` of the list and of its images. */
  readonly list: string;
  readonly images: readonly string[];
}

async function openBench(): Promise<Bench> {
  const folder = tempDir();
  const tools = newerTools(folder);
  const registry = await serveRegistry(folder.join("registry"));
  const repository = `${registry.host}/team/os`;
  const layout = folder.join("layout");
  const manifests = ["amd64", "arm64"].map((architecture) => {
    tinyImage(layout, [TINY_SYSTEM], { architecture });
    const { mediaType, digest, size } = readIndex(layout).manifests[0] as JsonDescriptor;
    return { mediaType, digest, size, platform: { os: "linux", architecture } };
  });
  const list = putJson(layout, MEDIA_TYPE.index, { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests });
  nameImage(layout, list, "1");
  await tools.ours("copy", "--all", ...INSECURE, `oci:${layout}:1`, `docker://${repository}:1`);
  return {
    ...tools,
    folder,
    name: `${repository}:1`,
    list: `${repository}@${list.digest}`,
    images: manifests.map(({ digest }) => `${repository}@${digest}`),
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe("cosign", () => {
  oracle(
    oracleRoot,
    "accepts our keys and our signatures of both forms, and no other key",
    async () => {
      await using bench = await openBench();
      const { folder, name, list, images, cosign, ours } = bench;
      for (const prefix of ["ours", "other"]) await ours("key", "generate", "--output-key-prefix", prefix);
      await ours("sign", ...INSECURE, "--recursive", "--key", "ours.key", `docker://${name}`);

      const verify = (key: string, image: string, ...more: readonly string[]): Promise<string> =>
        cosign("verify", "--key", key, ...OFFLINE_VERIFY, ...more, image);
      for (const image of [list, ...images])
        expect(await verify("ours.pub", image)).toContain(`"docker-reference":"${name}"`);
      await expect(verify("other.pub", list)).rejects.toThrow("no matching signatures");

      // Without a root of its own it asks Sigstore's for one.
      writeFileSync(folder.join("root.json"), JSON.stringify({ mediaType: TRUSTED_ROOT }));
      const bundles = ["--new-bundle-format", "--trusted-root", "root.json", "--type", SIGN_V1];
      const attestation = (key: string): Promise<string> =>
        cosign("verify-attestation", ...bundles, "--key", key, ...OFFLINE_VERIFY, list);
      expect(await attestation("ours.pub")).toContain('"payloadType":"application/vnd.in-toto+json"');
      await expect(attestation("other.pub")).rejects.toThrow(/no matching attestations|could not verify/);

      // It signs with a key of ours, beside our signature.
      await cosign("sign", "--key", "ours.key", "-a", "by=cosign", ...OFFLINE_SIGN, list);
      expect(await verify("ours.pub", list, "-a", "by=cosign")).toContain('"by":"cosign"');
      expect(await verify("ours.pub", list)).toContain(`"docker-reference":"${name}"`);
    },
    { proves: "cosign verifies what slipway signs" },
  );

  oracle(
    oracleRoot,
    "makes keys and signatures of both forms that we accept, and no other key",
    async () => {
      await using bench = await openBench();
      const { folder, name, list, images, cosign, ours } = bench;
      for (const prefix of ["theirs", "other"]) await cosign("generate-key-pair", "--output-key-prefix", prefix);
      const verify = (key: string, image: string, ...more: readonly string[]): Promise<string> =>
        ours("verify", ...INSECURE, "--key", key, ...more, `docker://${image}`);
      await expect(verify("theirs.pub", name)).rejects.toThrow("it has no signature");

      const sign = ["sign", "--key", "theirs.key", ...OFFLINE_SIGN];
      await cosign(...sign, "--recursive", list);
      for (const image of [name, ...images])
        expect((await verify("theirs.pub", image)).match(/^accepted: /gm)).toHaveLength(1);
      await expect(verify("other.pub", name)).rejects.toThrow("cannot verify");

      await cosign(...sign, "--sign-container-identity", "registry.example/os:1", list);
      await verify("theirs.pub", name, "--identity", "registry.example/os:1");
      await expect(verify("theirs.pub", name, "--identity", "registry.example/os:2")).rejects.toThrow("wanted is");

      writeFileSync(folder.join("predicate.json"), "{}");
      const attest = ["attest", "--new-bundle-format", "--type", SIGN_V1, "--predicate", "predicate.json"];
      await cosign(...attest, "--key", "theirs.key", ...OFFLINE_SIGN, list);
      expect((await verify("theirs.pub", name)).match(/^accepted: /gm)).toHaveLength(2);

      // We sign with its key, beside its signatures.
      await ours("sign", ...INSECURE, "--key", "theirs.key", `docker://${name}`);
      const seen = await cosign("verify", "--key", "theirs.pub", ...OFFLINE_VERIFY, list);
      for (const identity of [name, "registry.example/os:1"])
        expect(seen).toContain(`"docker-reference":"${identity}"`);
    },
    { proves: "slipway verifies what cosign signs" },
  );

  oracle(
    oracleRoot,
    "verifies the attestations and finds the SBOM that we have copied",
    async () => {
      await using bench = await openBench();
      const { folder, name, list, cosign, ours } = bench;
      await cosign("generate-key-pair", "--output-key-prefix", "theirs");
      writeFileSync(folder.join("predicate.json"), "{}");
      const attest = ["attest", "--key", "theirs.key", "--predicate", "predicate.json", ...OFFLINE_SIGN];
      for (const type of ["custom", "https://x.example/report"]) await cosign(...attest, "--type", type, list);
      writeFileSync(folder.join("sbom.json"), "{}");
      await cosign("attach", "sbom", "--allow-insecure-registry", "--sbom", "sbom.json", list);
      const layout = `oci:${folder.join("through")}:1`;
      await ours("copy", "--all", "--referrers", ...INSECURE, `docker://${name}`, layout);
      const other = name.replace("/team/", "/other/");
      await ours("copy", "--all", "--referrers", ...INSECURE, layout, `docker://${other}`);
      const verify = ["verify-attestation", "--key", "theirs.pub", ...OFFLINE_VERIFY];
      for (const type of ["custom", "https://x.example/report"])
        expect(await cosign(...verify, "--type", type, other)).toContain('"payloadType"');
      expect(await cosign("download", "sbom", "--allow-insecure-registry", other)).toContain("{}");
    },
    { proves: "attestations and SBOMs under cosign's names travel" },
  );
});
