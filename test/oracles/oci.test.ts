// Our layouts read by skopeo, skopeo's read by us; writers that run at once and writers that are killed.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestHex, digestOf } from "../../src/base/digest.ts";
import { contentOf } from "../../src/base/io/index.ts";
import { gzip } from "../../src/formats/gzip/index.ts";
import { zstd } from "../../src/formats/zstd/index.ts";
import {
  ArchiveStore,
  copyImage,
  describeBytes,
  type Descriptor,
  formatManifest,
  LayerCache,
  LayoutStore,
  MEDIA_TYPE,
  openImage,
  pushBytes,
  type ReadableStore,
  type Store,
} from "../../src/oci/index.ts";
import { directory, type DirectoryInode, file, mergeLayers, symlink, treeToTar, walk } from "../../src/tree/index.ts";
import { oracle, run, tempDir } from "../support/tools.ts";

const NODE = process.execPath;
const SOURCE = join(import.meta.dirname, "../../src");

async function gather(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function sampleTree(name: string): DirectoryInode {
  const usr = directory({}, [
    [name, file(contentOf(Buffer.from(`I am ${name}`)), { mode: 0o755 })],
    [
      "data",
      file(contentOf(Buffer.alloc(500_000, name)), { xattrs: [{ name: "user.x", value: Buffer.from([0, 255]) }] }),
    ],
  ]);
  return directory({}, [
    ["usr", usr],
    ["bin", symlink("usr/bin")],
  ]);
}

const COMPRESSIONS = {
  gzip: { mediaType: MEDIA_TYPE.layerGzip, compress: gzip },
  zstd: { mediaType: MEDIA_TYPE.layerZstd, compress: zstd },
  none: { mediaType: MEDIA_TYPE.layer, compress: (tar: AsyncIterable<Uint8Array>) => tar },
};

/** Two layers, the first one gzip. */
async function pushSample(store: Store, name: string, second: keyof typeof COMPRESSIONS = "gzip"): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  const diffIds: string[] = [];
  for (const [index, tree] of [sampleTree("base"), sampleTree("top")].entries()) {
    const tar = await gather(treeToTar(tree));
    const { mediaType, compress } = COMPRESSIONS[index === 0 ? "gzip" : second];
    const blob = await gather(compress(one(tar)));
    const descriptor = describeBytes(mediaType, blob);
    await pushBytes(store, descriptor, blob);
    layers.push(descriptor);
    diffIds.push(digestOf(tar));
  }
  const configBytes = Buffer.from(
    JSON.stringify({
      created: "2024-01-01T00:00:00Z",
      architecture: "amd64",
      os: "linux",
      config: { Labels: { name } },
      rootfs: { type: "layers", diff_ids: diffIds },
      history: diffIds.map(() => ({ created_by: "test" })),
    }),
  );
  const config = describeBytes(MEDIA_TYPE.config, configBytes);
  await pushBytes(store, config, configBytes);
  const bytes = formatManifest({ mediaType: MEDIA_TYPE.manifest, config, layers, annotations: {} });
  const manifest = describeBytes(MEDIA_TYPE.manifest, bytes);
  await pushBytes(store, manifest, bytes);
  await store.tag(manifest, name);
  return manifest;
}

/** The merged tree of an image as lines, read through a cache. */
async function listing(store: ReadableStore, name: string | undefined, cacheFolder: string): Promise<string[]> {
  const image = await openImage(store, name);
  const cache = await LayerCache.open(cacheFolder);
  const layers = [];
  for (const layer of image.layers) layers.push(await cache.open(store, layer));
  const lines = [...walk(mergeLayers(layers.map(({ entries }) => entries)))].map(
    ({ path, inode }) =>
      `${inode.type} ${inode.mode.toString(8)} ${path} ${inode.type === "file" ? inode.content.sizeBytes : ""}`,
  );
  for (const layer of layers) layer[Symbol.dispose]();
  return lines;
}

const INSECURE = ["--insecure-policy", "--override-os", "linux", "--override-arch", "amd64"];

describe("skopeo", () => {
  oracle(
    "skopeo",
    "inspects and copies a layout of ours, decompressing and checking every layer",
    async () => {
      using folder = tempDir();
      const layout = await LayoutStore.create(folder.join("layout"));
      const manifest = await pushSample(layout, "os");
      await pushSample(layout, "other:1.0");
      const { stdout } = await run("skopeo", [...INSECURE, "inspect", `oci:${layout.directory}:os`]);
      expect(JSON.parse(stdout)).toMatchObject({
        Digest: manifest.digest,
        Labels: { name: "os" },
        Architecture: "amd64",
      });
      await run("skopeo", [
        ...INSECURE,
        "copy",
        `oci:${layout.directory}:os`,
        `oci-archive:${folder.join("a.tar")}:os`,
      ]);
      // docker-archive holds plain tars named by diffId: skopeo has to decompress and compare.
      await run("skopeo", [
        ...INSECURE,
        "copy",
        `oci:${layout.directory}:other:1.0`,
        `docker-archive:${folder.join("d.tar")}:x/y:1`,
      ]);
      using archive = await ArchiveStore.open(folder.join("a.tar"));
      expect(await archive.resolve()).toMatchObject({ digest: manifest.digest });
      const ours = await listing(layout, "os", folder.join("cache"));
      expect(ours.length).toBe(6);
      expect(await listing(archive, "os", folder.join("cache-2"))).toEqual(ours);
      const copy = await LayoutStore.create(folder.join("copy"));
      await copyImage(archive, manifest, copy, "again");
      await run("skopeo", [...INSECURE, "inspect", `oci:${copy.directory}:again`]);
    },
    { proves: "other tools read our layouts and we read their archives" },
  );

  oracle(
    "skopeo",
    "decompresses and checks zstd layers of ours",
    async () => {
      using folder = tempDir();
      const layout = await LayoutStore.create(folder.join("layout"));
      await pushSample(layout, "os", "zstd");
      await run("skopeo", [
        ...INSECURE,
        "copy",
        "--dest-decompress",
        `oci:${layout.directory}:os`,
        `dir:${folder.join("dir")}`,
      ]);
      const image = await openImage(layout, "os");
      for (const { diffId } of image.layers) expect(existsSync(folder.join("dir", digestHex(diffId)))).toBe(true);
    },
    { proves: "other tools read our zstd layers" },
  );

  oracle(
    "skopeo",
    "writes layouts that we read, from a docker-archive, with gzip and with zstd layers",
    async () => {
      using folder = tempDir();
      const layout = await LayoutStore.create(folder.join("layout"));
      await pushSample(layout, "os", "none");
      const ours = await listing(layout, "os", folder.join("cache"));
      await run("skopeo", [
        ...INSECURE,
        "copy",
        `oci:${layout.directory}:os`,
        `docker-archive:${folder.join("d.tar")}:x/y:1`,
      ]);
      await run("skopeo", [
        ...INSECURE,
        "copy",
        `docker-archive:${folder.join("d.tar")}`,
        `oci:${folder.join("theirs")}:t`,
      ]);
      await run("skopeo", [
        ...INSECURE,
        "copy",
        "--dest-compress",
        "--dest-compress-format",
        "zstd",
        `docker-archive:${folder.join("d.tar")}`,
        `oci:${folder.join("theirs")}:z`,
      ]);
      const theirs = await LayoutStore.open(folder.join("theirs"));
      expect((await theirs.list()).map(({ name }) => name)).toEqual(["t", "z"]);
      for (const name of ["t", "z"]) expect(await listing(theirs, name, folder.join(`cache-${name}`))).toEqual(ours);
      // And what we add to their layout does not disturb them.
      await pushSample(theirs, "ours");
      for (const name of ["t", "z", "ours"])
        await run("skopeo", [...INSECURE, "inspect", `oci:${theirs.directory}:${name}`]);
    },
    { proves: "we read layouts that other tools write" },
  );
});

describe("processes", () => {
  it("keep all names when many write one layout at once, also after one was killed with the lock", async () => {
    using folder = tempDir();
    const layout = await LayoutStore.create(folder.join("layout"));
    const script = folder.join("tag.ts");
    writeFileSync(
      script,
      `import { describeBytes, LayoutStore, pushBytes } from ${JSON.stringify(join(SOURCE, "oci/index.ts"))};
      const [directory, who] = process.argv.slice(2);
      const store = await LayoutStore.create(directory);
      for (let index = 0; index < 10; index++) {
        const bytes = Buffer.from("blob " + index);
        const blob = describeBytes("text/plain", bytes);
        await pushBytes(store, blob, bytes);
        await store.tag(blob, who + "-" + index);
      }`,
    );
    const dead = spawn(NODE, ["-e", "process.kill(process.pid, 'SIGKILL')"]);
    await once(dead, "exit");

    writeFileSync(
      join(layout.directory, ".index.json.lock"),
      `${dead.pid} ${readlinkSync("/proc/self/ns/pid")} 0123456789abcdef\n`,
    );
    const writers = ["a", "b", "c", "d"].map((who) => run(NODE, [script, layout.directory, who]));
    await Promise.all(writers);
    const names = (await layout.list()).map(({ name }) => name);
    expect(new Set(names).size).toBe(40);
    expect(readdirSync(layout.directory).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(readdirSync(layout.directory + "/blobs/sha256").length).toBe(10);
  });

  it("leave nothing that a later run trips over when they are killed while they read a layer", async () => {
    using folder = tempDir();
    const layout = await LayoutStore.create(folder.join("layout"));
    const tar = await gather(treeToTar(directory({}, [["big", file(contentOf(randomBytes(24 * 1024 * 1024)))]])));
    const blob = await gather(gzip(one(tar), { level: 1 }));
    const descriptor = describeBytes(MEDIA_TYPE.layerGzip, blob);
    await pushBytes(layout, descriptor, blob);
    const layer = { descriptor, diffId: digestOf(tar) };
    const cacheFolder = folder.join("cache");
    mkdirSync(cacheFolder);
    const script = folder.join("read.ts");
    writeFileSync(
      script,
      `import { LayerCache, LayoutStore } from ${JSON.stringify(join(SOURCE, "oci/index.ts"))};
      const store = await LayoutStore.open(${JSON.stringify(layout.directory)});
      const cache = await LayerCache.open(${JSON.stringify(cacheFolder)});
      let done = 0;
      await cache.open(store, ${JSON.stringify(layer)}, { onBytes: (bytes) => { done += bytes; process.stdout.write(done + "\\n"); } });
      console.log("complete");`,
    );
    for (const fraction of [0, 0.2, 0.6, 0.99]) {
      const child = spawn(NODE, [script], { stdio: ["ignore", "pipe", "inherit"] });
      child.stdout.on("data", (text: Buffer) => {
        const done = Number(text.toString().trim().split("\n").at(-1));
        if (done >= fraction * tar.length) child.kill("SIGKILL");
      });
      await once(child, "exit");
    }
    const { stdout } = await run(NODE, [script]);
    expect(stdout).toContain("complete");
    const entry = join(cacheFolder, digestHex(layer.diffId));
    expect(readdirSync(cacheFolder)).toEqual([digestHex(layer.diffId)]);
    expect(existsSync(join(entry, "data")) && readFileSync(join(entry, "data")).equals(tar)).toBe(true);
  });
});
