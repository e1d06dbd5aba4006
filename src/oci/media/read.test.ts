import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { noise } from "../../../test/support/random.ts";
import { tarOf, type TarItem } from "../../../test/support/tiny-image.ts";
import { digestOf } from "../../base/digest.ts";
import { MemorySource } from "../../base/io/index.ts";
import { EXPANSION_LIMITS, verifyStream } from "../../base/stream/index.ts";
import { DEFAULT_TAR_LIMITS } from "../../formats/tar/index.ts";
import { copyImage } from "../copy.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { formatManifest, type Manifest } from "../manifest.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { pushBytes, type ReadableStore } from "../store.ts";
import { openDisk, type WrittenDisk, writeDisk } from "./read.ts";
import { containerDisk, diskArtifact, EMPTY_CONFIG, inspectDiskFile } from "./write.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-media-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const HOLE_BYTES = 1024 * 1024;
const DISK = Buffer.concat([noise(100_000, 1), Buffer.alloc(HOLE_BYTES), noise(5000, 2), Buffer.alloc(70_000)]);
const LIMITS = { tar: DEFAULT_TAR_LIMITS, expansion: EXPANSION_LIMITS };
const PLATFORM = { os: "linux", architecture: "amd64" };

/** To `out` in the directory of the test. */
async function fetchDisk(
  store: ReadableStore,
  manifest: Descriptor,
  file?: string,
): Promise<WrittenDisk & { name: string }> {
  await using disk = await openDisk(store, manifest, { limits: LIMITS, ...(file === undefined ? {} : { file }) });
  return { ...(await writeDisk(join(directory, "out"), disk)), name: disk.name };
}

async function artifact(
  store: MemoryStore,
  files: readonly { readonly title?: string; readonly bytes: Uint8Array; readonly mediaType?: string }[],
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const { title, bytes, mediaType = "application/octet-stream" } of files) {
    const layer = describeBytes(mediaType, bytes);
    await pushBytes(store, layer, bytes);
    layers.push(title === undefined ? layer : { ...layer, annotations: { "org.opencontainers.image.title": title } });
  }
  return image(store, describeBytes(EMPTY_CONFIG.mediaType, EMPTY_CONFIG.bytes), layers);
}

async function image(store: MemoryStore, config: Descriptor, layers: readonly Descriptor[]): Promise<Descriptor> {
  const manifest: Manifest = { mediaType: MEDIA_TYPE.manifest, config, layers, annotations: {} };
  const bytes = formatManifest(manifest);
  const descriptor = describeBytes(MEDIA_TYPE.manifest, bytes);
  await pushBytes(store, descriptor, bytes);
  return descriptor;
}

/** An image of these layers, base first. */
async function imageOf(store: MemoryStore, layers: readonly (readonly TarItem[] | Buffer)[]): Promise<Descriptor> {
  const tars = layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer)));
  const config = Buffer.from(
    JSON.stringify({ ...PLATFORM, rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) } }),
  );
  const descriptors = tars.map((tar) => describeBytes(MEDIA_TYPE.layer, tar));
  for (const [index, tar] of tars.entries()) await pushBytes(store, descriptors[index] as Descriptor, tar);
  const described = describeBytes(MEDIA_TYPE.config, config);
  await pushBytes(store, described, config);
  return image(store, described, descriptors);
}

describe("what was pushed", () => {
  it.each([
    ["artifact", undefined, "disk.raw"],
    ["artifact", "zstd", "disk.raw"],
    ["container disk", undefined, "boot.img"],
    ["container disk", "zstd", "boot.img"],
  ] as const)("comes back with its holes: %s, %s", async (form, compression, name) => {
    const disk = await inspectDiskFile("disk.raw", new MemorySource(DISK));
    const options = compression === undefined ? {} : { compression };
    const media =
      form === "artifact" ? await diskArtifact(disk, options) : await containerDisk(disk, PLATFORM, options);
    const store = new MemoryStore();
    await copyImage(media, media.manifest, store, "1");
    const written = await fetchDisk(store, await store.resolve("1"));
    expect(written).toMatchObject({ name, format: "raw", sizeBytes: DISK.length });
    expect(readFileSync(written.path).equals(DISK)).toBe(true);
    expect(statSync(written.path).blocks * 512).toBeLessThan(HOLE_BYTES / 2);
  });
});

describe("an artifact", () => {
  it("of another tool is its one file, whatever its type", async () => {
    const store = new MemoryStore();
    const manifest = await artifact(store, [{ bytes: Buffer.from("x") }]);
    expect(await fetchDisk(store, manifest)).toMatchObject({ name: "", sizeBytes: 1 });
  });

  it("of several files has to be told which", async () => {
    const store = new MemoryStore();
    const files = [
      { title: "a.iso", bytes: Buffer.from("a") },
      { title: "b.iso", bytes: Buffer.from("bb") },
    ];
    const manifest = await artifact(store, files);
    await expect(fetchDisk(store, manifest)).rejects.toMatchObject({ name: "MediaError", code: "AMBIGUOUS" });
    await expect(fetchDisk(store, manifest, "c.iso")).rejects.toMatchObject({ code: "NO_DISK" });
    expect(await fetchDisk(store, manifest, "b.iso")).toMatchObject({ sizeBytes: 2 });
  });

  it("leaves nothing when its qcow2 file names a file of this machine", async () => {
    const bytes = Buffer.alloc(512);
    bytes.write("QFI\xfb\0\0\0\x03\0\0\0\0\0\0\0\x70\0\0\0\x0b\0\0\0\x10", 0, "latin1");
    bytes.write("/etc/shadow", 0x70);
    const store = new MemoryStore();
    const manifest = await artifact(store, [{ title: "d.qcow2", bytes }]);
    await expect(fetchDisk(store, manifest)).rejects.toMatchObject({ code: "NOT_ALONE" });
    expect(readdirSync(directory)).toEqual([]);
  });
});

/** A byte becomes another one in the padding, where no tar reader looks. */
async function* spoil(input: AsyncIterable<Uint8Array>, isSpoiled: boolean): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    if (isSpoiled) bytes[bytes.length - 1024 - 1] = 1;
    yield bytes;
  }
}

const file = (path: string, data: string): TarItem => ({ path, data, mode: 0o440, uid: 107, gid: 107 });

describe("a container disk", () => {
  it.each<[string, readonly (readonly TarItem[])[], string]>([
    ["one file", [[file("disk/boot.qcow2", "1")]], "1"],
    ["any name", [[{ path: "./disk/", type: "directory" }, file("./disk/Fedora 40.img", "1")]], "1"],
    ["a leading slash", [[file("/disk/x", "1")]], "1"],
    ["files elsewhere", [[file("etc/disk/x", "0"), file("disk/sub/y", "0"), file("disk/x", "1")]], "1"],
    ["several layers, the topmost counts", [[file("disk/x", "0")], [file("disk/x", "1")], [file("etc/y", "2")]], "1"],
    ["a file that an upper layer removed", [[file("disk/a", "1"), file("disk/b", "0")], [file("disk/.wh.b", "")]], "1"],
    ["a link beside it", [[file("disk/x", "1"), { path: "disk/y", type: "symlink", target: "x" }]], "1"],
  ])("has its disk: %s", async (_, layers, wanted) => {
    const store = new MemoryStore();
    const written = await fetchDisk(store, await imageOf(store, layers));
    expect(readFileSync(written.path, "latin1")).toBe(wanted);
  });

  it.each<[string, readonly (readonly TarItem[])[], string | undefined, string]>([
    ["nothing", [[file("etc/x", "0")]], undefined, "NO_DISK"],
    ["a removed file", [[file("disk/x", "0")], [file("disk/.wh.x", "")]], undefined, "NO_DISK"],
    ["a removed directory", [[file("disk/x", "0")], [file(".wh.disk", "")]], undefined, "NO_DISK"],
    ["an opaque directory", [[file("disk/x", "0")], [file("disk/.wh..wh..opq", "")]], undefined, "NO_DISK"],
    [
      "a link in its place",
      [[file("disk/x", "0")], [{ path: "disk/x", type: "symlink", target: "/etc/shadow" }]],
      "x",
      "NO_DISK",
    ],
    [
      "a link as directory",
      [[file("disk/x", "0")], [{ path: "disk", type: "symlink", target: "/etc" }]],
      undefined,
      "NO_DISK",
    ],
    ["two files", [[file("disk/x", "0"), file("disk/y", "0")]], undefined, "AMBIGUOUS"],
    ["the same name twice", [[file("disk/x", "0"), file("disk/x", "1")]], "x", "AMBIGUOUS"],
  ])("is refused: %s", async (_, layers, wanted, code) => {
    const store = new MemoryStore();
    const manifest = await imageOf(store, layers);
    await expect(fetchDisk(store, manifest, wanted)).rejects.toMatchObject({ name: "MediaError", code });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("whose bytes or diffId are wrong leaves nothing", async () => {
    const store = new MemoryStore();
    const manifest = await imageOf(store, [[file("disk/x", "x".repeat(5000))]]);
    const spoiled: ReadableStore = {
      description: "spoiled",
      exists: (descriptor) => store.exists(descriptor),
      resolve: (name) => store.resolve(name),
      list: () => store.list(),
      fetch: (descriptor) =>
        verifyStream(spoil(store.fetch(descriptor), descriptor.mediaType === MEDIA_TYPE.layer), descriptor, "it"),
    };
    await expect(fetchDisk(spoiled, manifest)).rejects.toMatchObject({ name: "LayerError", code: "DIGEST_MISMATCH" });
    const tar = tarOf([file("disk/x", "x")]);
    const config = Buffer.from(JSON.stringify({ ...PLATFORM, rootfs: { diff_ids: [digestOf(Buffer.from("other"))] } }));
    await pushBytes(store, describeBytes(MEDIA_TYPE.config, config), config);
    await pushBytes(store, describeBytes(MEDIA_TYPE.layer, tar), tar);
    const wrong = await image(store, describeBytes(MEDIA_TYPE.config, config), [describeBytes(MEDIA_TYPE.layer, tar)]);
    await expect(fetchDisk(store, wrong)).rejects.toMatchObject({ code: "DIFF_ID_MISMATCH" });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("of another platform is refused", async () => {
    const store = new MemoryStore();
    const manifest = await imageOf(store, [[file("disk/x", "1")]]);
    const platform = { os: "linux", architecture: "arm64" };
    await expect(openDisk(store, manifest, { limits: LIMITS, platform })).rejects.toMatchObject({
      code: "NO_PLATFORM",
    });
  });

  it("with its layer cut anywhere is an error, or whole, and never a part", async () => {
    const tar = tarOf([{ path: "disk/", type: "directory" }, file("disk/x", "x".repeat(600))]);
    for (let length = 0; length < tar.length; length += 61) {
      const store = new MemoryStore();
      const manifest = await imageOf(store, [tar.subarray(0, length)]);
      const outcome = await fetchDisk(store, manifest).catch((error: { name: string }) => error.name);
      if (typeof outcome === "string") expect(["LayerError", "MediaError"]).toContain(outcome);
      else expect(statSync(outcome.path).size).toBe(600);
      rmSync(join(directory, "out"), { force: true });
      expect(readdirSync(directory)).toEqual([]);
    }
  });
});
