import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TINY_SYSTEM, tarOf, type TarItem } from "../../../test/support/tiny-image.ts";
import { digestOf } from "../../base/digest.ts";
import { SlipwayError } from "../../base/errors.ts";
import { ArchiveWriter } from "../archive/writer.ts";
import { copyImage } from "../copy.ts";
import { openImage } from "../image.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { dockerName } from "./name.ts";
import { DockerArchiveStore } from "./reader.ts";
import { DOCKER_ARCHIVE } from "./writer.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-docker-archive-"));
  path = join(directory, "saved.tar");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const TAR = tarOf(TINY_SYSTEM);
const CONFIG = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [digestOf(TAR)] },
});

interface Saved {
  readonly manifest?: unknown;
  readonly config?: string;
  readonly layer?: TarItem;
  readonly more?: readonly TarItem[];
}

function save({ manifest, config, layer, more = [] }: Saved = {}): Buffer {
  const items: TarItem[] = [
    { path: "config.json", data: config ?? CONFIG },
    layer ?? { path: "layer/layer.tar", data: TAR },
    ...more,
    {
      path: "manifest.json",
      data: JSON.stringify(
        manifest ?? [{ Config: "config.json", RepoTags: ["debian:12", "h.example/os:1"], Layers: ["layer/layer.tar"] }],
      ),
    },
  ];
  const bytes = tarOf(items);
  writeFileSync(path, bytes);
  return bytes;
}

async function openSaved(name?: string): ReturnType<typeof openImage> {
  using store = await DockerArchiveStore.open(path);
  const image = await openImage(store, name);
  const [layer] = image.layers;
  const chunks: Uint8Array[] = [];
  if (layer !== undefined) for await (const chunk of store.fetch(layer.descriptor)) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(TAR)).toBe(true);
  return image;
}

describe("docker-archive", () => {
  it.each([undefined, "debian:12", "docker.io/library/debian:12", "h.example/os:1", "@0", "@1"])(
    "finds an image as %s",
    async (name) => {
      save();
      const image = await openSaved(name);
      expect(image.manifest.mediaType).toBe(MEDIA_TYPE.dockerManifest);
      expect(image.layers[0]).toMatchObject({
        diffId: digestOf(TAR),
        descriptor: { digest: digestOf(TAR), sizeBytes: TAR.length },
      });
    },
  );

  it("gives the same image the same digest, whether its layers are compressed or links", async () => {
    save();
    const { manifestDigest } = await openSaved();
    save({ layer: { path: "layer/layer.tar", data: gzipSync(TAR) } });
    expect((await openSaved()).manifestDigest).toBe(manifestDigest);
    save({
      layer: { path: "layer/layer.tar", type: "symlink", target: "../blobs/x" },
      more: [{ path: "blobs/x", data: TAR }],
    });
    expect((await openSaved()).manifestDigest).toBe(manifestDigest);
  });

  it.each([
    ["no such name", "NOT_FOUND", {}, "other:1"],
    ["no manifest.json", "BAD_MANIFEST", { manifest: {} }, undefined],
    ["a manifest of numbers", "BAD_MANIFEST", { manifest: [1] }, undefined],
    ["no config", "BAD_LAYOUT", { manifest: [{ Config: "x", RepoTags: null, Layers: [] }] }, undefined],
    ["a layer that is not there", "BAD_LAYOUT", { manifest: [{ Config: "config.json", Layers: ["x"] }] }, undefined],
    ["fewer layers than diffIds", "BAD_MANIFEST", { manifest: [{ Config: "config.json", Layers: [] }] }, undefined],
    [
      "a layer with other bytes",
      "DIGEST_MISMATCH",
      { layer: { path: "layer/layer.tar", data: Buffer.alloc(TAR.length) } },
      undefined,
    ],
    ["members outside of the archive", "BAD_LAYOUT", { more: [{ path: "../x", data: "x" }] }, undefined],
  ])("refuses %s", async (_, code, saved: Saved, name) => {
    save(saved);
    await expect(openSaved(name)).rejects.toMatchObject({ code });
  });

  it("refuses every archive that was cut", async () => {
    const bytes = save();
    for (let length = 0; length < bytes.length - 1024; length += 509) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(openSaved()).rejects.toBeInstanceOf(SlipwayError);
    }
  });

  it("writes what it reads", async () => {
    save();
    using source = await DockerArchiveStore.open(path);
    const written = join(directory, "written.tar");
    await using writer = await ArchiveWriter.create(DOCKER_ARCHIVE, written);
    const descriptor = await copyImage(source, await source.resolve(), writer, "debian:12", { compression: "none" });
    await writer.finish();
    using again = await DockerArchiveStore.open(written);
    expect((await again.resolve("debian:12")).digest).toBe(descriptor.digest);
    expect(readFileSync(written).includes('"RepoTags":["docker.io/library/debian:12"]')).toBe(true);
    expect(readFileSync(written).includes('{"docker.io/library/debian":{"12":"')).toBe(true);
  });

  it("takes neither compressed layers nor indexes", async () => {
    await using writer = await ArchiveWriter.create(DOCKER_ARCHIVE, join(directory, "w.tar"));
    const store = new MemoryStore();
    const digest = digestOf(TAR);
    for (const mediaType of [MEDIA_TYPE.layerGzip, MEDIA_TYPE.index]) {
      const pushed = writer.push({ mediaType, digest, sizeBytes: 1 }, store.fetch({ mediaType, digest, sizeBytes: 1 }));
      await expect(pushed).rejects.toMatchObject({ code: "UNSUPPORTED" });
    }
  });
});

describe("dockerName", () => {
  it.each([
    ["debian", "docker.io/library/debian:latest"],
    ["a/b:1", "docker.io/a/b:1"],
    ["h.example/os", "h.example/os:latest"],
    ["localhost/os:1", "localhost/os:1"],
  ])("reads %s", (text, full) => {
    expect(dockerName(text)).toBe(full);
  });
});
