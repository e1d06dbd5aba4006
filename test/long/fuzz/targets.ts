/** What is fuzzed: for each target, how a seed becomes an input, and what reads it. Inputs are whole: one Buffer says all. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../../../src/base/digest.ts";
import { MemorySource, sliceContent } from "../../../src/base/io/index.ts";
import { NO_PROGRESS } from "../../../src/base/progress.ts";
import { type DiskImage, type PreparedDisk, prepareDisk } from "../../../src/disk/index.ts";
import { gunzip } from "../../../src/formats/gzip/index.ts";
import { decodeCommit, decodeDirmeta, decodeDirtree, decodeXattrs } from "../../../src/formats/ostree/index.ts";
import { scanTar, TarParser } from "../../../src/formats/tar/index.ts";
import { unzstd } from "../../../src/formats/zstd/index.ts";
import { fileObjectPrefix, importImage, type LayerInput } from "../../../src/ostree/index.ts";
import {
  DEFAULT_LAYER_LIMITS,
  describeBytes,
  type ImageLayer,
  LayerCache,
  MEDIA_TYPE,
  MemoryStore,
  openDescriptor,
  openReference,
  pushBytes,
} from "../../../src/oci/index.ts";
import { readTarTree } from "../../../src/tree/index.ts";
import { archiveImage, layerEntries } from "../../support/layer-entries.ts";
import { integer, pick, type Random } from "../../support/random.ts";
import { TINY_SYSTEM, type TarItem, tarOf } from "../../support/tiny-image.ts";
import { findTool, run, tempDir } from "../../support/tools.ts";
import { writeContent } from "../../support/write-content.ts";
import { containerfileTarget } from "./containerfile-target.ts";
import { FILE_SYSTEM_TARGETS } from "./file-system-targets.ts";
import { damagedItems } from "./items.ts";
import { mutateBytes, mutateJson, sealTar } from "./mutate.ts";
import { drain, readAll } from "./read-all.ts";

export interface Target {
  readonly input: (random: Random) => Buffer;
  /** May throw SlipwayErrors and nothing else. */
  readonly run: (input: Buffer) => Promise<void>;
}

const VECTORS = "test/vectors";
/** Nothing here is larger when it is read honestly. */
const LIMITS = { ...DEFAULT_LAYER_LIMITS, expansion: { maxRatio: 1000, freeBytes: 32 * 1024 ** 2 } };

const RICH_SYSTEM: readonly TarItem[] = [
  ...TINY_SYSTEM,
  { path: "usr/lib/bootc/kargs.d/10-x.toml", data: 'kargs = ["quiet", "a=b"]\nmatch-architectures = ["x86_64"]\n' },
  { path: "usr/bin/capable", data: "c\n", xattrs: { "security.capability": Buffer.from([1, 0, 0, 2, 10, 0]) } },
  { path: "usr/bin/linked", type: "hardlink", target: "usr/bin/app" },
  { path: "usr/lib/link", type: "symlink", target: "../bin/app" },
  { path: `usr/share/${"long".repeat(40)}`, data: "long\n" },
  { path: "usr/share/.wh.gone" },
];
const COMPOSEFS: TarItem = { path: "usr/lib/ostree/prepare-root.conf", data: "[composefs]\nenabled=yes\n" };

function vectorTars(): Buffer[] {
  const names = readdirSync(`${VECTORS}/tar`).filter((name) => name.endsWith(".tar.gz"));
  return [...names.map((name) => gunzipSync(readFileSync(`${VECTORS}/tar/${name}`))), tarOf(RICH_SYSTEM)];
}

function damagedTar(random: Random, tars: readonly Buffer[]): Buffer {
  const bytes = mutateBytes(random, pick(random, tars));
  return random() < 0.8 ? sealTar(bytes) : bytes;
}

function tarTarget(): Target {
  const tars = vectorTars();
  return {
    input: (random) => damagedTar(random, tars),
    run: async (input) => {
      const scanned = await outcomeOf(() => scanTar(new MemorySource(input)));
      const streamed = await outcomeOf(() => {
        const entries: unknown[] = [];
        const parser = new TarParser({ entry: (entry) => void entries.push(entry) }, LIMITS.tar);
        for (let at = 0; at < input.length; at += 333) parser.push(input.subarray(at, at + 333));
        parser.finish();
        return entries;
      });
      // Both ways of reading see the same archive.
      if (JSON.stringify(scanned) !== JSON.stringify(streamed)) {
        throw new Error(`scanned: ${JSON.stringify(scanned)}\nstreamed: ${JSON.stringify(streamed)}`);
      }
      await readTarTree(new MemorySource(input), undefined, { whiteouts: true });
    },
  };
}

async function outcomeOf(read: () => unknown): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : Promise.reject(error);
  }
}

/** Blobs through the layer cache: whatever is wrong, nothing stays behind. */
function layerTarget(): Target {
  const tars = [tarOf(RICH_SYSTEM), gunzipSync(readFileSync(`${VECTORS}/ostree/import/l2.tar.gz`))];
  const folder = mkdtempSync(join(tmpdir(), "slipway-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return {
    // First byte: how it was compressed.
    input: (random) => {
      const kind = integer(random, 3);
      const isTarDamaged = random() < 0.5;
      const tar = isTarDamaged ? damagedTar(random, tars) : pick(random, tars);
      const blob = kind === 0 ? gzipSync(tar) : kind === 1 ? zstdCompressSync(tar) : tar;
      return Buffer.concat([Buffer.from([kind]), isTarDamaged ? blob : mutateBytes(random, blob)]);
    },
    run: async (input) => {
      const blob = input.subarray(1);
      const types = [MEDIA_TYPE.layerGzip, MEDIA_TYPE.layerZstd, MEDIA_TYPE.layer];
      const descriptor = describeBytes(types[input[0] ?? 0] ?? MEDIA_TYPE.layer, blob);
      const store = new MemoryStore();
      await pushBytes(store, descriptor, blob);
      const outcome = await outcomeOfLayer(folder, store, { descriptor, diffId: digestOf(decompressed(blob)) });
      const left = readdirSync(folder);
      rmSync(folder, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`left in the cache: ${left.join(", ")}`, { cause: outcome });
      if (outcome !== undefined) throw outcome;
    },
  };
}

/** Opens the layer twice, reads it and prunes it; what went wrong, if anything did. */
async function outcomeOfLayer(folder: string, store: MemoryStore, image: ImageLayer): Promise<Error | undefined> {
  const options = { limits: LIMITS, fingerprint: { name: "ostree", prefix: fileObjectPrefix } } as const;
  try {
    const cache = await LayerCache.open(folder);
    using layer = await cache.open(store, image, options);
    for (const { content } of layer.entries) await readAll(content);
    using again = await cache.open(store, image, options);
    if (again.entries.length !== layer.entries.length) throw new Error("the cache has another layer");
    await cache.prune(new Set());
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function decompressed(blob: Buffer): Buffer {
  try {
    return gunzipSync(blob, { maxOutputLength: 1 << 26 });
  } catch {
    return blob;
  }
}

function codecTarget(compress: (tar: Buffer) => Buffer, decompress: typeof gunzip): () => Target {
  return () => {
    const blobs = [
      compress(tarOf(RICH_SYSTEM)),
      Buffer.concat([compress(Buffer.alloc(100_000)), compress(Buffer.from("another"))]),
      compress(Buffer.alloc(0)),
    ];
    return {
      input: (random) => mutateBytes(random, pick(random, blobs)),
      run: async (input) => {
        const chunks = async function* pieces(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < input.length; at += 77) yield input.subarray(at, at + 77);
        };
        await drain(decompress(chunks(), LIMITS.expansion));
      },
    };
  };
}

interface Documents {
  readonly config: string;
  readonly manifest: string;
  readonly index: string;
}

/** A system of damaged layers, up to the finished plan of a disk. Input: the layers' tars in base64. */
function diskTarget(): Target {
  const systems = [RICH_SYSTEM, [...RICH_SYSTEM, COMPOSEFS]];
  const tars = systems.map(tarOf);
  return {
    input: (random) => {
      const isWellFormed = random() < 0.7;
      const layers = isWellFormed
        ? damagedItems(random, pick(random, systems)).map(tarOf)
        : [damagedTar(random, tars), ...(random() < 0.2 ? [damagedTar(random, tars)] : [])];
      return Buffer.from(JSON.stringify(layers.map((tar) => tar.toString("base64"))));
    },
    run: async (input) => {
      const layers = (JSON.parse(input.toString()) as string[]).map((text) => Buffer.from(text, "base64"));
      const { config, manifest } = documentsOf(...layers);
      const entries = layers.map(async (tar) => ({ digest: digestOf(tar), entries: await layerEntries(tar) }));
      await makeDisk(Buffer.from(manifest), Buffer.from(config), await Promise.all(entries));
    },
  };
}

function documentsOf(...layers: Buffer[]): Documents {
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created: "2024-01-02T03:04:05Z",
    config: { Labels: { "containers.bootc": "1" }, Env: ["A=B"] },
    rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
    history: [{ created_by: "fuzz", empty_layer: false }],
  });
  const { digest, sizeBytes } = describeBytes(MEDIA_TYPE.config, Buffer.from(config));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: { mediaType: MEDIA_TYPE.config, digest, size: sizeBytes },
    layers: layers.map((tar) => {
      const { digest: layerDigest, sizeBytes: size } = describeBytes(MEDIA_TYPE.layer, tar);
      return { mediaType: MEDIA_TYPE.layer, digest: layerDigest, size, annotations: { a: "b" } };
    }),
    annotations: { "org.opencontainers.image.created": "2024-01-02T03:04:05Z" },
  });
  const whole = describeBytes(MEDIA_TYPE.manifest, Buffer.from(manifest));
  const platform = { os: "linux", architecture: "amd64" };
  const descriptor = { mediaType: MEDIA_TYPE.manifest, digest: whole.digest, size: whole.sizeBytes, platform };
  return { config, manifest, index: JSON.stringify({ schemaVersion: 2, manifests: [descriptor, descriptor] }) };
}

async function makeDisk(manifestBytes: Buffer, configBytes: Buffer, layers: LayerInput[]): Promise<void> {
  const image: DiskImage = {
    name: "fuzz",
    manifestDigest: digestOf(manifestBytes),
    manifestBytes,
    configBytes,
    architecture: "amd64",
    labels: { "containers.bootc": "1" },
    openLayers: () => Promise.resolve(layers),
  };
  const target = { reference: "registry.example/os:1" };
  const disk = await prepareDisk(image, { target, kargs: [], kargDeletes: [], randomIds: false }, NO_PROGRESS);
  await readAll(disk.content);
  // A sample goes before the judge.
  if (digestOf(manifestBytes).endsWith("0") && findTool("e2fsck") !== undefined) await checkRoot(disk);
}

async function checkRoot({ plan, content }: PreparedDisk): Promise<void> {
  const root = plan.partitions.find(({ name }) => name === "root");
  if (root === undefined) throw new Error("the plan has no root");
  using folder = tempDir();
  await writeContent(folder.join("root"), sliceContent(content, root.startBytes, root.sizeBytes));
  const { stdout } = await run("e2fsck", ["-fn", folder.join("root")], { allowExit: [0, 1, 2, 4, 8, 12] });
  const findings = stdout.split("\n").filter((line) => line !== "" && !/^Pass [1-5]|^\S+: \d+\/\d+ files/.test(line));
  if (findings.length > 0) throw new Error(`e2fsck: ${findings.join("\n")}`);
}

/** Config, manifest and index, each damaged now and then, with the digests between them right. */
function documentsTarget(): Target {
  const tar = tarOf(RICH_SYSTEM);
  const good = documentsOf(tar);
  return {
    input: (random) => {
      const damaged = pick(random, ["config", "manifest", "index"] as const);
      const texts: Record<keyof Documents, Buffer> = {
        config: Buffer.from(good.config),
        manifest: Buffer.from(good.manifest),
        index: Buffer.from(good.index),
      };
      texts[damaged] = mutateJson(random, good[damaged]);
      return Buffer.from(JSON.stringify(Object.values(texts).map((text) => text.toString("base64"))));
    },
    run: async (input) => {
      const [config = Buffer.alloc(0), manifest = Buffer.alloc(0), index = Buffer.alloc(0)] = (
        JSON.parse(input.toString()) as string[]
      ).map((text) => Buffer.from(text, "base64"));
      const configDigest = digestOf(Buffer.from(good.config));
      const fixedManifest = relink(manifest, configDigest, good.config.length, config);
      const fixedIndex = relink(index, digestOf(Buffer.from(good.manifest)), good.manifest.length, fixedManifest);
      const store = new MemoryStore();
      for (const bytes of [config, fixedManifest, fixedIndex]) {
        await pushBytes(store, describeBytes("", bytes), bytes);
      }
      const start = describeBytes(MEDIA_TYPE.index, fixedIndex);
      const image = await openDescriptor(store, start, { platform: { os: "linux", architecture: "amd64" } });
      const layer = { digest: digestOf(tar), entries: await layerEntries(tar) };
      await makeDisk(
        Buffer.from(image.manifestBytes),
        Buffer.from(image.configBytes),
        image.layers.map(() => layer),
      );
    },
  };
}

/** Another blob under a document's link. */
function relink(document: Buffer, digest: string, sizeBytes: number, blob: Buffer): Buffer {
  const text = document.toString("latin1").replaceAll(digest, digestOf(blob));
  return Buffer.from(text.replaceAll(`"size":${sizeBytes}`, `"size":${blob.length}`), "latin1");
}

function chunkedTarget(): Target {
  const archive = readFileSync(`${VECTORS}/bootc/encapsulate/derived.oci.tar`);
  const image = archiveImage(archive, "docker://registry.example/os:1");
  const blobs = new Map<string, Buffer>();
  const load = (): Buffer[] => {
    if (blobs.size === 0) {
      for (const tar of layerTarsOf(archive)) blobs.set(digestOf(tar), tar);
    }
    return [...blobs.values()];
  };
  return {
    // First byte: which layer.
    input: (random) => {
      const tars = load();
      const which = integer(random, tars.length);
      return Buffer.concat([Buffer.from([which]), damagedTar(random, [tars[which] ?? Buffer.alloc(0)])]);
    },
    run: async (input) => {
      const whole = await image;
      const layers = [...whole.layers];
      const which = input[0] ?? 0;
      const old = layers[which];
      if (old === undefined) return;
      layers[which] = { digest: old.digest, entries: await layerEntries(input.subarray(1), (input.at(-1) ?? 0) < 128) };
      await importImage({ ...whole, layers });
    },
  };
}

/** The decompressed layers of an oci-archive in the manifest's order. */
function layerTarsOf(archive: Buffer): Buffer[] {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= archive.length;) {
    const name = archive
      .toString("latin1", at, at + 100)
      .replace(/\0.*$/s, "")
      .replace(/^\.\//, "");
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 135), 8) || 0;
    files.set(name, archive.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  const json = (name: string): { manifests: { digest: string }[]; layers: { digest: string }[] } =>
    JSON.parse(files.get(name)?.toString() ?? "") as ReturnType<typeof json>;
  const blob = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
  const manifest = json(blob(json("index.json").manifests[0]?.digest ?? ""));
  return manifest.layers.map(({ digest }) => gunzipSync(files.get(blob(digest)) ?? Buffer.alloc(0)));
}

function archiveTarget(): Target {
  const archive = readFileSync(`${VECTORS}/bootc/encapsulate/plain.oci.tar`);
  const folder = mkdtempSync(join(tmpdir(), "slipway-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "image.tar");
  return {
    input: (random) => damagedTar(random, [archive]),
    run: async (input) => {
      writeFileSync(file, input);
      const image = await openReference(`oci-archive:${file}`, { images: new MemoryStore() });
      for (const { descriptor } of image.layers) await drain(image.store.fetch(descriptor));
    },
  };
}

function objectsTarget(): Target {
  const tars = layerTarsOf(readFileSync(`${VECTORS}/bootc/encapsulate/plain.oci.tar`));
  const objects = tars.flatMap((tar) => metadataObjects(tar));
  const decoders = { commit: decodeCommit, dirtree: decodeDirtree, dirmeta: decodeDirmeta, xattrs: decodeXattrs };
  return {
    input: (random) => mutateBytes(random, pick(random, objects)),
    run: (input) => {
      let refused: unknown;
      for (const decode of Object.values(decoders)) {
        try {
          decode(input);
        } catch (error) {
          refused = error;
          if (!(error instanceof Error && "code" in error)) throw error;
        }
      }
      return refused === undefined ? Promise.resolve() : Promise.reject(refused);
    },
  };
}

function metadataObjects(tar: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 512 <= tar.length;) {
    const name = tar.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 135), 8) || 0;
    if (/\.(commit|dirtree|dirmeta|file-xattrs)$/.test(name)) found.push(tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

export const TARGETS: Readonly<Record<string, () => Target | Promise<Target>>> = {
  tar: tarTarget,
  gzip: codecTarget((tar) => gzipSync(tar), gunzip),
  zstd: codecTarget((tar) => zstdCompressSync(tar), unzstd),
  layer: layerTarget,
  documents: documentsTarget,
  disk: diskTarget,
  chunked: chunkedTarget,
  archive: archiveTarget,
  objects: objectsTarget,
  containerfile: containerfileTarget,
  ...FILE_SYSTEM_TARGETS,
};
