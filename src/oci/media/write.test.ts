import { describe, expect, it } from "vitest";
import { breakUploads } from "../../../test/support/fake-registry.ts";
import { noise } from "../../../test/support/random.ts";
import { useRegistries } from "../../../test/support/registry-session.ts";
import { digestOf } from "../../base/digest.ts";
import { MemorySource, type Source } from "../../base/io/index.ts";
import { copyImage } from "../copy.ts";
import { openDescriptor } from "../image.ts";
import { parseManifest } from "../manifest.ts";
import { MemoryStore } from "../memory/store.ts";
import { fetchDocument } from "../store.ts";
import { changedError } from "./store.ts";
import { containerDisk, diskArtifact, type DiskFile, inspectDiskFile } from "./write.ts";

const { start, storeAt } = useRegistries();

const BYTES = Buffer.concat([noise(1_200_000, 3), Buffer.alloc(300_000), noise(100, 4)]);

function raw(source: Source = new MemorySource(BYTES)): Promise<DiskFile> {
  return inspectDiskFile("/somewhere/disk.raw", source);
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

describe("diskArtifact", () => {
  it("is a manifest of OCI 1.1 whose layer is the file", async () => {
    const media = await diskArtifact(await raw());
    const manifest = parseManifest(await fetchDocument(media, media.manifest), "it");
    expect(manifest).toEqual({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: "application/vnd.slipway.disk.v1",
      config: {
        mediaType: "application/vnd.oci.empty.v1+json",
        digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        sizeBytes: 2,
      },
      layers: [
        {
          mediaType: "application/vnd.slipway.disk.v1.raw",
          digest: digestOf(BYTES),
          sizeBytes: BYTES.length,
          annotations: { "org.opencontainers.image.title": "disk.raw" },
        },
      ],
      annotations: {},
    });
    expect((await bytesOf(media.fetch(media.layer))).equals(BYTES)).toBe(true);
  });

  it("may be compressed, with the same digest each time", async () => {
    const media = await diskArtifact(await raw(), { compression: "zstd" });
    expect(media.layer).toMatchObject({
      mediaType: "application/vnd.slipway.disk.v1.raw+zstd",
      annotations: { "org.opencontainers.image.title": "disk.raw.zst" },
    });
    expect((await diskArtifact(await raw(), { compression: "zstd" })).manifest).toEqual(media.manifest);
    expect(digestOf(await bytesOf(media.fetch(media.layer)))).toBe(media.layer.digest);
  });

  it.each([
    ["an artifact", async () => diskArtifact(await raw())],
    ["a compressed one", async () => diskArtifact(await raw(), { compression: "zstd" })],
    ["a container disk", async () => containerDisk(await raw(), { os: "linux", architecture: "amd64" })],
  ])("goes on with an upload that broke: %s", async (_, make) => {
    const registry = await start();
    breakUploads(registry, 1, 500_000, 10_000);
    const media = await make();
    const store = storeAt(registry.host);
    await copyImage(media, media.manifest, store, "1");
    expect(registry.log.filter((line) => line.startsWith("PATCH"))).toHaveLength(1);
    expect(digestOf(await bytesOf(store.fetch(media.layer)))).toBe(media.layer.digest);
  });

  it("is read from where an upload goes on", async () => {
    const offsets: number[] = [];
    const memory = new MemorySource(BYTES);
    const source: Source = {
      sizeBytes: BYTES.length,
      read: (offset, target) => {
        offsets.push(offset);
        return memory.read(offset, target);
      },
    };
    const media = await diskArtifact(await raw(source));
    offsets.length = 0;
    const rest = await bytesOf(media.fetchFrom(media.layer, 1_100_000));
    expect(rest.equals(BYTES.subarray(1_100_000))).toBe(true);
    expect(Math.min(...offsets)).toBe(1_100_000);
  });

  it("is not pushed when the file is written to meanwhile", async () => {
    const bytes = Buffer.from(BYTES);
    const media = await diskArtifact(await raw(new MemorySource(bytes)));
    bytes[700_000] = (bytes[700_000] ?? 0) ^ 1;
    const pushed = copyImage(media, media.manifest, new MemoryStore(), "1");
    await expect(pushed).rejects.toThrow("digest");
    expect(changedError(await pushed.catch((error: unknown) => error), "disk.raw")).toMatchObject({
      code: "CHANGED",
      message: "cannot push disk.raw: it was written to meanwhile",
    });
  });
});

describe("containerDisk", () => {
  it("is an image that everything opens, for its platform", async () => {
    const media = await containerDisk(await raw(), { os: "linux", architecture: "arm64" });
    const image = await openDescriptor(media, media.manifest, { platform: { os: "linux", architecture: "arm64" } });
    expect(image.layers).toHaveLength(1);
    expect(image.layers[0]?.diffId).toBe(media.layer.digest);
    expect(image.config.created).toBe("1970-01-01T00:00:00Z");
    const tar = await bytesOf(media.fetch(media.layer));
    expect(tar.length % 512).toBe(0);
    expect(tar.toString("latin1", 0, 5)).toBe("disk/");
    expect(tar.toString("latin1", 512, 512 + 13)).toBe("disk/boot.img");
    expect(tar.subarray(1024, 1024 + BYTES.length).equals(BYTES)).toBe(true);
    expect((await containerDisk(await raw(), { os: "linux", architecture: "arm64" })).manifest).toEqual(media.manifest);
  });

  it("names the digest before compression in its config", async () => {
    const platform = { os: "linux", architecture: "amd64" };
    const plain = await containerDisk(await raw(), platform);
    const media = await containerDisk(await raw(), platform, { compression: "zstd" });
    const image = await openDescriptor(media, media.manifest);
    expect(image.layers[0]?.diffId).toBe(plain.layer.digest);
    expect(media.layer.mediaType).toBe("application/vnd.oci.image.layer.v1.tar+zstd");
    expect(media.layer.sizeBytes).toBeLessThan(plain.layer.sizeBytes);
  });
});
