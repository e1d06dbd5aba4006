/** skopeo of Debian trixie, which knows more of zstd than that of Debian 12, against our places, registry and signatures. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { LayerCache, LayoutStore, openImage } from "../../src/oci/index.ts";
import { mergeLayers, walk } from "../../src/tree/index.ts";
import { type JsonManifest, readIndex, readJson } from "../support/layout.ts";
import { newerTools } from "../support/newer-tools.ts";
import { oracleRoot } from "../support/oracle-root.ts";
import { serveRegistry } from "../support/registry.ts";
import { debianImage, SHARED_STORE } from "../support/slipway.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { oracle, tempDir } from "../support/tools.ts";

const LAYERS = [TINY_SYSTEM, [{ path: "usr/share/more", data: randomBytes(600_000) }]];
const ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";

const digestIn = (layout: string): string => readIndex(layout).manifests[0]?.digest ?? "";

/** Paths and sizes of the image's tree; every layer is decompressed and hashed on the way. */
async function listing(layout: string, cacheFolder: string): Promise<string[]> {
  const store = await LayoutStore.open(layout);
  const image = await openImage(store, undefined);
  const cache = await LayerCache.open(cacheFolder);
  const layers = [];
  for (const layer of image.layers) layers.push(await cache.open(store, layer));
  const lines = [...walk(mergeLayers(layers.map(({ entries }) => entries)))].map(
    ({ path, inode }) => `${inode.type} ${path} ${inode.type === "file" ? inode.content.sizeBytes : ""}`,
  );
  for (const layer of layers) layer[Symbol.dispose]();
  return lines;
}

describe("skopeo of trixie", () => {
  for (const transport of ["oci", "oci-archive", "dir"]) {
    oracle(
      oracleRoot,
      `copies zstd layers from our ${transport} and back to us, digests kept`,
      async () => {
        using folder = tempDir();
        const { skopeo, ours } = newerTools(folder);
        const source = tinyImage(folder.join("source"), LAYERS, { compression: ["zstd", "none"], tag: "1" });
        const digest = digestIn(folder.join("source"));
        const place = (name: string): string => `${transport}:${folder.join(name)}${transport === "dir" ? "" : ":1"}`;
        await ours("copy", source, place("written"));
        expect(JSON.parse(await skopeo("inspect", place("written")))).toMatchObject({ Digest: digest });
        await skopeo("copy", "--preserve-digests", place("written"), place("theirs"));
        await ours("copy", "--preserve-digests", place("theirs"), `oci:${folder.join("back")}:1`);
        expect(digestIn(folder.join("back"))).toBe(digest);
        // docker-archive: decompressed, each layer under the digest of its tar.
        await skopeo("copy", place("written"), `docker-archive:${folder.join("d.tar")}:os:1`);
        await ours("copy", `docker-archive:${folder.join("d.tar")}`, `oci:${folder.join("plain")}:1`);
        expect(await listing(folder.join("plain"), folder.join("cache"))).toEqual(
          await listing(folder.join("source"), folder.join("cache")),
        );
      },
      { proves: `our ${transport} with zstd layers serves newer tools` },
    );
  }

  for (const format of ["zstd", "zstd:chunked"]) {
    oracle(
      oracleRoot,
      `compresses layers as ${format} that we read, and the digest stays in our registry`,
      async () => {
        using folder = tempDir();
        const { skopeo, ours } = newerTools(folder);
        await using registry = await serveRegistry(folder.join("registry"));
        const source = tinyImage(folder.join("source"), LAYERS, { compression: ["none", "none"], tag: "1" });
        const image = `docker://${registry.host}/team/os:1`;
        const anew = ["--dest-compress", `--dest-compress-format=${format}`, "--dest-tls-verify=false"];
        await skopeo("copy", ...anew, source, image);
        await ours("copy", "--tls-verify", "false", image, `oci:${folder.join("pulled")}:1`);
        const digest = digestIn(folder.join("pulled"));
        const { layers } = readJson<JsonManifest>(folder.join("pulled"), digest);
        expect(layers.map(({ mediaType }) => mediaType)).toEqual([ZSTD, ZSTD]);
        const isChunked = layers.map(
          ({ annotations }) => "io.github.containers.zstd-chunked.manifest-checksum" in (annotations ?? {}),
        );
        expect(isChunked).toEqual(Array(2).fill(format === "zstd:chunked"));
        expect(await listing(folder.join("pulled"), folder.join("cache"))).toEqual(
          await listing(folder.join("source"), folder.join("cache")),
        );
        await ours("copy", "--tls-verify", "false", `oci:${folder.join("pulled")}:1`, `${image.slice(0, -1)}2`);
        expect(JSON.parse(await skopeo("inspect", "--tls-verify=false", `${image.slice(0, -1)}2`))).toMatchObject({
          Digest: digest,
        });
      },
      { proves: `we read ${format}` },
    );
  }

  oracle(
    [oracleRoot, "mmdebstrap"],
    "copies a whole Debian image of ours through our registry, digest kept",
    async () => {
      using folder = tempDir();
      const { skopeo } = newerTools(folder, [SHARED_STORE]);
      const image = `oci:${SHARED_STORE}:localhost/${await debianImage("trixie")}`;
      await using registry = await serveRegistry(folder.join("registry"));
      const there = `docker://${registry.host}/team/debian:trixie`;
      const { Digest: digest } = JSON.parse(await skopeo("inspect", image)) as { Digest: string };
      await skopeo("copy", "--preserve-digests", "--dest-tls-verify=false", image, there);
      await skopeo("copy", "--preserve-digests", "--src-tls-verify=false", there, `oci:${folder.join("back")}:1`);
      expect(digestIn(folder.join("back"))).toBe(digest);
    },
    { proves: "a real image moves" },
  );

  oracle(
    oracleRoot,
    "lets through what we have signed under a sigstoreSigned policy, and nothing else",
    async () => {
      using folder = tempDir();
      const { enforcing, ours } = newerTools(folder);
      await using registry = await serveRegistry(folder.join("registry"));
      const insecure = ["--tls-verify", "false"];
      const image = (tag: string): string => `docker://${registry.host}/team/os:${tag}`;
      for (const tag of ["signed", "unsigned"])
        await ours("copy", ...insecure, tinyImage(folder.join(tag), [[{ path: "name", data: tag }]]), image(tag));
      await ours("key", "generate");
      await ours("key", "generate", "--output-key-prefix", "other");
      await ours("sign", ...insecure, "--key", "cosign.key", image("signed"));

      mkdirSync(folder.join("registries.d"));
      writeFileSync(folder.join("registries.d", "x.yaml"), "default-docker: { use-sigstore-attachments: true }\n");
      const copy = async (tag: string, key: string): Promise<string> => {
        const signed = { type: "sigstoreSigned", keyPath: folder.join(key) };
        const policy = { default: [{ type: "reject" }], transports: { docker: { [registry.host]: [signed] } } };
        writeFileSync(folder.join("policy.json"), JSON.stringify(policy));
        const options = ["--policy", folder.join("policy.json"), "--registries.d", folder.join("registries.d")];
        return await enforcing(
          ...options,
          "copy",
          "--remove-signatures",
          "--src-tls-verify=false",
          image(tag),
          `oci:${folder.join(`${tag}-copy`)}:1`,
        );
      };
      await copy("signed", "cosign.pub");
      expect(readFileSync(folder.join("signed-copy", "index.json"), "utf8")).toContain(digestIn(folder.join("signed")));
      await expect(copy("signed", "other.pub")).rejects.toThrow("cryptographic signature verification failed");
      await expect(copy("unsigned", "cosign.pub")).rejects.toThrow("A signature was required");
    },
    { proves: "the host's own policy accepts our signatures" },
  );

  oracle(
    oracleRoot,
    "reads the signatures that we write into dir:, and writes there what we read",
    async () => {
      using folder = tempDir();
      const { skopeo, enforcing, ours } = newerTools(folder);
      await using registry = await serveRegistry(folder.join("registry"));
      const insecure = ["--tls-verify", "false"];
      const image = `docker://${registry.host}/team/os:1`;
      await ours("copy", ...insecure, tinyImage(folder.join("layout"), [TINY_SYSTEM]), image);
      await ours("key", "generate");
      await ours("sign", ...insecure, "--key", "cosign.key", image);

      mkdirSync(folder.join("registries.d"));
      writeFileSync(folder.join("registries.d", "x.yaml"), "default-docker: { use-sigstore-attachments: true }\n");
      await ours("copy", ...insecure, image, `dir:${folder.join("ours")}`);
      const attachments = ["--registries.d", folder.join("registries.d")];
      await skopeo(...attachments, "copy", "--src-tls-verify=false", image, `dir:${folder.join("theirs")}`);
      expect(readdirSync(folder.join("ours")).sort()).toEqual(readdirSync(folder.join("theirs")).sort());
      const read = (name: string): unknown => {
        const bytes = readFileSync(folder.join(name, "signature-1"));
        const end = bytes.indexOf("\n");
        return [bytes.subarray(0, end).toString("latin1"), JSON.parse(bytes.subarray(end).toString())];
      };
      expect(read("ours")).toEqual(read("theirs"));

      // Under policies of the transport, each what the other wrote.
      const signedIdentity = { type: "exactRepository", dockerRepository: `${registry.host}/team/os` };
      const signed = { type: "sigstoreSigned", keyPath: folder.join("cosign.pub"), signedIdentity };
      const policy = { default: [{ type: "reject" }], transports: { dir: { "": [signed] } } };
      writeFileSync(folder.join("policy.json"), JSON.stringify(policy));
      const strict = ["--policy", folder.join("policy.json")];
      await enforcing(...strict, "copy", `dir:${folder.join("ours")}`, `dir:${folder.join("again")}`);
      await ours("verify", ...strict, `dir:${folder.join("theirs")}`);
      await ours("copy", ...strict, `dir:${folder.join("again")}`, `oci:${folder.join("back")}:1`);
      await ours("verify", "--key", "cosign.pub", `oci:${folder.join("back")}:1`);
    },
    { proves: "signatures pass through dir: in both directions" },
  );
});
