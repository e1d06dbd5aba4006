// Our transports against skopeo's, both ways: what one writes the other reads, and digests stay where they must.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import {
  copyImage,
  type Descriptor,
  LayoutStore,
  locate,
  MEDIA_TYPE,
  MemoryStore,
  openDestination,
  openImage,
  parseReference,
  type Places,
} from "../../src/oci/index.ts";
import { putJson, readIndex } from "../support/layout.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { oracle, run, tempDir } from "../support/tools.ts";

const PLACES: Places = { images: new MemoryStore() };
const TRANSPORTS = ["oci", "oci-archive", "docker-archive", "dir"] as const;
type Transport = (typeof TRANSPORTS)[number];

/** A place of this transport, as both tools write it. */
function placeOf(transport: Transport, path: string): string {
  return transport === "dir" ? `dir:${path}` : `${transport}:${path}:registry.example/os:1`;
}

/** `slipway copy`, without the command around it. */
async function copy(from: string, to: string, options: Parameters<typeof copyImage>[4] = {}): Promise<Descriptor> {
  await using source = await locate(parseReference(from), PLACES);
  await using target = await openDestination(parseReference(to), PLACES);
  const { compression, concurrency, documents } = target;
  const copied = await copyImage(source.store, await source.store.resolve(source.name), target.store, undefined, {
    ...(compression === undefined ? {} : { compression }),
    ...(documents === undefined ? {} : { documents }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...options,
  });
  await target.publish(copied);
  return copied;
}

async function skopeo(...args: readonly string[]): Promise<string> {
  return (await run("skopeo", ["--insecure-policy", ...args])).stdout;
}

/** The digest that skopeo gives to what is at a place. */
async function digestBySkopeo(place: string): Promise<string> {
  return (JSON.parse(await skopeo("inspect", place)) as { Digest: string }).Digest;
}

async function diffIdsBySkopeo(place: string): Promise<readonly string[]> {
  const config = JSON.parse(await skopeo("inspect", "--config", place)) as { rootfs: { diff_ids: string[] } };
  return config.rootfs.diff_ids;
}

const LAYERS = [TINY_SYSTEM, [{ path: "usr/share/more", data: "x".repeat(300_000) }]];

function sample(folder: string): { readonly place: string; readonly digest: string } {
  const place = tinyImage(folder, LAYERS, { compression: ["gzip", "none"] });
  return { place, digest: readIndex(folder).manifests[0]?.digest ?? "" };
}

describe("transports", () => {
  for (const transport of TRANSPORTS) {
    const keeps = transport !== "docker-archive";
    oracle(
      "skopeo",
      `writes ${transport} that skopeo reads${keeps ? " with the same digest" : ""}`,
      async () => {
        using folder = tempDir();
        const { place, digest } = sample(folder.join("source"));
        const written = placeOf(transport, folder.join("written"));
        await copy(place, written);
        if (keeps) expect(await digestBySkopeo(written)).toBe(digest);
        expect(await diffIdsBySkopeo(written)).toEqual(await diffIdsBySkopeo(place));
        // Whole: skopeo checks every digest on the way.
        await skopeo("copy", written, `dir:${folder.join("through-skopeo")}`);
      },
      { proves: `our ${transport} is what containers-transports(5) means` },
    );
    oracle(
      "skopeo",
      `reads ${transport} that skopeo wrote${keeps ? ", digests kept" : ""}`,
      async () => {
        using folder = tempDir();
        const { place } = sample(folder.join("source"));
        const theirs = placeOf(transport, folder.join("theirs"));
        await skopeo("copy", place, theirs);
        const ours = `oci:${folder.join("ours")}:x`;
        const copied = await copy(theirs, ours);
        if (keeps) expect(copied.digest).toBe(await digestBySkopeo(theirs));
        else expect(copied.mediaType).toBe(MEDIA_TYPE.manifest);
        expect(await diffIdsBySkopeo(ours)).toEqual(await diffIdsBySkopeo(place));
        await skopeo("copy", ours, `dir:${folder.join("through-skopeo")}`);
      },
      { proves: `we read ${transport} of the containers tools` },
    );
  }

  oracle(
    "skopeo",
    "gives an image in a docker-archive the digest that skopeo gives it",
    async () => {
      using folder = tempDir();
      const { place } = sample(folder.join("source"));
      const archive = placeOf("docker-archive", folder.join("a.tar"));
      await copy(place, archive);
      const copied = await copy(archive, `dir:${folder.join("ours")}`);
      await skopeo("copy", archive, `dir:${folder.join("theirs")}`);
      const theirs = JSON.parse(readFileSync(folder.join("theirs", "manifest.json"), "utf8")) as {
        config: { digest: string };
      };
      const ours = JSON.parse(readFileSync(folder.join("ours", "manifest.json"), "utf8")) as {
        config: { digest: string };
      };
      expect(copied.mediaType).toBe(MEDIA_TYPE.dockerManifest);
      expect(ours.config.digest).toBe(theirs.config.digest);
    },
    { proves: "the synthetic manifest of docker-archive" },
  );

  for (const compression of ["gzip", "zstd", "none"] as const) {
    oracle(
      "skopeo",
      `makes layers ${compression} that skopeo reads, the same ones each time`,
      async () => {
        using folder = tempDir();
        const { place } = sample(folder.join("source"));
        const first = await copy(place, `oci:${folder.join("first")}:x`, { compression });
        const second = await copy(place, `oci:${folder.join("second")}:x`, { compression });
        expect(second.digest).toBe(first.digest);
        expect(await digestBySkopeo(`oci:${folder.join("first")}:x`)).toBe(first.digest);
        await skopeo("copy", `oci:${folder.join("first")}:x`, `dir:${folder.join("theirs")}`);
        expect(await diffIdsBySkopeo(`dir:${folder.join("theirs")}`)).toEqual(await diffIdsBySkopeo(place));
      },
      { proves: "recompressed layers have the right manifest" },
    );
  }

  oracle(
    "skopeo",
    "keeps an index with all its images, and its digest, through oci-archive, dir and oci",
    async () => {
      using folder = tempDir();
      const source = folder.join("source");
      tinyImage(source, LAYERS, { architecture: "amd64" });
      const [amd64] = readIndex(source).manifests;
      tinyImage(source, LAYERS.slice(0, 1), { architecture: "arm64" });
      const [arm64] = readIndex(source).manifests;
      const list = putJson(source, MEDIA_TYPE.index, {
        schemaVersion: 2,
        mediaType: MEDIA_TYPE.index,
        manifests: [
          { ...amd64, annotations: undefined, platform: { os: "linux", architecture: "amd64" } },
          { ...arm64, annotations: undefined, platform: { os: "linux", architecture: "arm64" } },
        ],
      });
      const layout = await LayoutStore.open(source);
      await layout.tag(
        { mediaType: list.mediaType, digest: list.digest as `sha256:${string}`, sizeBytes: list.size },
        "list",
      );
      const archive = `oci-archive:${folder.join("a.tar")}:list`;
      const directory = `dir:${folder.join("d")}`;
      const end = `oci:${folder.join("end")}:list`;
      expect((await copy(`oci:${source}:list`, archive)).digest).toBe(list.digest);
      expect((await copy(archive, directory)).digest).toBe(list.digest);
      expect((await copy(directory, end)).digest).toBe(list.digest);
      await skopeo("copy", "--all", "--preserve-digests", directory, `dir:${folder.join("theirs")}`);
      expect(readFileSync(folder.join("theirs", "manifest.json"))).toEqual(
        readFileSync(folder.join("d", "manifest.json")),
      );
      const back = await copy(`dir:${folder.join("theirs")}`, `oci:${folder.join("back")}:list`);
      expect(back.digest).toBe(list.digest);
      const image = await openImage(await LayoutStore.open(folder.join("back")), "list", {
        platform: { os: "linux", architecture: "arm64" },
      });
      expect(image.config.platform.architecture).toBe("arm64");
    },
    { proves: "indexes survive" },
  );

  oracle(
    "skopeo",
    "replaces the image in a dir: and leaves nothing of the one before",
    async () => {
      using folder = tempDir();
      const first = tinyImage(folder.join("first"), LAYERS);
      const second = tinyImage(folder.join("second"), [TINY_SYSTEM]);
      await copy(first, `dir:${folder.join("d")}`);
      await copy(second, `dir:${folder.join("d")}`);
      expect(existsSync(join(folder.join("d"), "manifest.json"))).toBe(true);
      await skopeo("copy", `dir:${folder.join("d")}`, `dir:${folder.join("theirs")}`);
      expect((await run("sh", ["-c", `ls ${folder.join("d")} | sort`])).stdout).toBe(
        (await run("sh", ["-c", `ls ${folder.join("theirs")} | sort`])).stdout,
      );
    },
    { proves: "our dir: holds exactly what skopeo's does" },
  );
});
