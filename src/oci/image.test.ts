import { describe, expect, it } from "vitest";
import { describeBytes, type Descriptor } from "./descriptor.ts";
import { openDescriptor, openImage } from "./image.ts";
import { formatImageIndex } from "./image-index.ts";
import { formatManifest } from "./manifest.ts";
import { MEDIA_TYPE } from "./media-types.ts";
import { MemoryStore } from "./memory/store.ts";
import { parsePlatform, type Platform } from "./platform.ts";
import { pushBytes } from "./store.ts";

interface Parts {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly layers?: readonly Descriptor[];
}

const LAYER = describeBytes(MEDIA_TYPE.layerGzip, Buffer.from("layer"));

async function pushImage(store: MemoryStore, parts: Parts = {}): Promise<Descriptor> {
  const layers = parts.layers ?? [LAYER];
  const json = {
    os: "linux",
    architecture: "amd64",
    created: "2024-01-01T00:00:00Z",
    config: { Labels: { "containers.bootc": "1" }, Env: null },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    ...parts.config,
  };
  const configBytes = Buffer.from(JSON.stringify(json));
  const config = describeBytes(MEDIA_TYPE.config, configBytes);
  await pushBytes(store, config, configBytes);
  const bytes = formatManifest({ mediaType: MEDIA_TYPE.manifest, config, layers, annotations: {} });
  const changed = Buffer.from(
    JSON.stringify({ ...(JSON.parse(Buffer.from(bytes).toString()) as object), ...parts.manifest }),
  );
  const descriptor = describeBytes(MEDIA_TYPE.manifest, changed);
  await pushBytes(store, descriptor, changed);
  return descriptor;
}

async function pushIndex(store: MemoryStore, manifests: readonly Descriptor[]): Promise<Descriptor> {
  const bytes = formatImageIndex({ mediaType: MEDIA_TYPE.index, manifests, annotations: {} });
  const descriptor = describeBytes(MEDIA_TYPE.index, bytes);
  await pushBytes(store, descriptor, bytes);
  return descriptor;
}

const AMD64 = parsePlatform("linux/amd64");
const ARM64 = parsePlatform("arm64");

function on(platform: Platform, descriptor: Descriptor): Descriptor {
  return { ...descriptor, platform };
}

describe("openImage", () => {
  it("reads manifest, config and layers by name", async () => {
    const store = new MemoryStore();
    const descriptor = await pushImage(store);
    await store.tag(descriptor, "os");
    const image = await openImage(store, "os");
    expect(image.manifestDigest).toBe(descriptor.digest);
    expect(image.layers).toEqual([{ descriptor: LAYER, diffId: LAYER.digest }]);
    expect(image.config).toMatchObject({ labels: { "containers.bootc": "1" }, env: [], platform: AMD64 });
    expect((await openImage(store)).manifestDigest).toBe(descriptor.digest);
    await expect(openImage(store, "other")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("it has os") as string,
    });
  });

  it("chooses by platform, and lists what there is", async () => {
    const store = new MemoryStore();
    const amd64 = await pushImage(store);
    const arm64 = await pushImage(store, { config: { architecture: "arm64" } });
    const inner = await pushIndex(store, [
      on(AMD64, amd64),
      on(ARM64, arm64),
      on({ os: "unknown", architecture: "unknown" }, amd64),
    ]);
    expect((await openDescriptor(store, inner, { platform: ARM64 })).manifestDigest).toBe(arm64.digest);
    expect((await openDescriptor(store, inner, { platform: ARM64 })).index?.digest).toBe(inner.digest);
    await expect(openDescriptor(store, inner, { platform: parsePlatform("s390x") })).rejects.toMatchObject({
      code: "NO_PLATFORM",
      message: expect.stringContaining("it has linux/amd64, linux/arm64") as string,
    });
    await expect(openDescriptor(store, inner)).rejects.toMatchObject({ code: "NO_PLATFORM" });
    await expect(openDescriptor(store, amd64, { platform: ARM64 })).rejects.toMatchObject({ code: "NO_PLATFORM" });
    expect((await openDescriptor(store, await pushIndex(store, [amd64]))).manifestDigest).toBe(amd64.digest);
  });

  it.each([
    ["layers without diffIds", "BAD_MANIFEST", { config: { rootfs: { type: "layers", diff_ids: [] } } }],
    ["a diffId that is none", "BAD_MANIFEST", { config: { rootfs: { type: "layers", diff_ids: ["sha256:12"] } } }],
    ["a config without rootfs", "NOT_AN_IMAGE", { config: { rootfs: undefined } }],
    ["a config without architecture", "BAD_MANIFEST", { config: { architecture: undefined } }],
    ["schema version 1", "UNSUPPORTED", { manifest: { schemaVersion: 1 } }],
    ["an index that says it is a manifest", "BAD_MANIFEST", { manifest: { manifests: [] } }],
    [
      "a size that is negative",
      "BAD_MANIFEST",
      { manifest: { layers: [{ mediaType: MEDIA_TYPE.layer, digest: LAYER.digest, size: -1 }] } },
    ],
    ["layers that are no list", "BAD_MANIFEST", { manifest: { layers: {} } }],
    ["too many layers", "LIMIT", { manifest: { layers: Array.from({ length: 1001 }, () => ({})) } }],
    ["a layer that is no tar", "UNSUPPORTED", { layers: [{ ...LAYER, mediaType: "application/wasm" }] }],
    [
      "an artifact",
      "NOT_AN_IMAGE",
      { manifest: { config: { mediaType: MEDIA_TYPE.empty, digest: LAYER.digest, size: 2 } } },
    ],
  ])("refuses %s", async (_, code, parts) => {
    const store = new MemoryStore();
    await expect(openDescriptor(store, await pushImage(store, parts as Parts))).rejects.toMatchObject({
      name: "OciError",
      code,
    });
  });

  it("refuses documents above the cap before it fetches them", async () => {
    const store = new MemoryStore();
    const huge = { ...(await pushImage(store)), sizeBytes: 5 * 1024 * 1024 };
    await expect(openDescriptor(store, huge)).rejects.toMatchObject({ code: "LIMIT" });
  });

  it("refuses indexes that go round", async () => {
    const store = new MemoryStore();
    let index = await pushIndex(store, [on(AMD64, await pushImage(store))]);
    for (let depth = 0; depth < 4; depth++) index = await pushIndex(store, [on(AMD64, index)]);
    await expect(openDescriptor(store, index, { platform: AMD64 })).rejects.toMatchObject({ code: "LIMIT" });
  });
});
