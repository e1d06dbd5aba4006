import { describe, expect, it } from "vitest";
import { TINY_SYSTEM, tarOf } from "../../test/support/tiny-image.ts";
import { digestOf } from "../base/digest.ts";
import type { Progress } from "../base/progress.ts";
import { gzipSync } from "node:zlib";
import { copyImage } from "./copy.ts";
import { describeBytes, type Descriptor } from "./descriptor.ts";
import { formatImageIndex, parseImageIndex } from "./image-index.ts";
import { openImage } from "./image.ts";
import { formatManifest } from "./manifest.ts";
import { MEDIA_TYPE } from "./media-types.ts";
import { MemoryStore } from "./memory/store.ts";
import { fetchDocument, pushBytes, type Store } from "./store.ts";

const TAR = tarOf(TINY_SYSTEM);

async function put(store: Store, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  const descriptor = describeBytes(mediaType, bytes);
  await pushBytes(store, descriptor, bytes);
  return descriptor;
}

interface Made {
  readonly docker?: boolean;
  readonly architecture?: string;
  readonly diffId?: string;
}

async function image(store: Store, { docker = false, architecture = "amd64", diffId }: Made = {}): Promise<Descriptor> {
  const config = Buffer.from(
    JSON.stringify({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: [diffId ?? digestOf(TAR)] } }),
  );
  const layer = await put(store, docker ? MEDIA_TYPE.dockerLayerGzip : MEDIA_TYPE.layerGzip, gzipSync(TAR));
  const manifest = formatManifest({
    mediaType: docker ? MEDIA_TYPE.dockerManifest : MEDIA_TYPE.manifest,
    config: await put(store, docker ? MEDIA_TYPE.dockerConfig : MEDIA_TYPE.config, config),
    layers: [{ ...layer, annotations: { "io.github.containers.zstd-chunked.x": "1", kept: "yes" } }],
    annotations: { mine: "yes" },
  });
  return put(store, docker ? MEDIA_TYPE.dockerManifest : MEDIA_TYPE.manifest, manifest);
}

async function list(store: Store, mediaType: string, members: readonly Descriptor[]): Promise<Descriptor> {
  return put(store, mediaType, formatImageIndex({ mediaType, manifests: members, annotations: {} }));
}

describe("copyImage", () => {
  it.each(["gzip", "zstd", "none"] as const)("makes layers %s, the image otherwise the same", async (compression) => {
    const from = new MemoryStore();
    const to = new MemoryStore();
    const start = await image(from, { docker: true });
    const copied = await copyImage(from, start, to, "os", { compression });
    const found = await openImage(to, "os");
    if (compression === "gzip") expect(copied.digest).toBe(start.digest);
    else expect(found.manifest.layers[0]?.annotations).toEqual({ kept: "yes" });
    expect(found.layers[0]?.diffId).toBe(digestOf(TAR));
    expect(found.manifest.annotations).toEqual({ mine: "yes" });
    const again = await copyImage(from, start, new MemoryStore(), "os", { compression });
    expect(again.digest).toBe(copied.digest);
  });

  it("refuses another compression when digests must stay, and layers whose diffId is wrong", async () => {
    const from = new MemoryStore();
    const start = await image(from);
    const copy = copyImage(from, start, new MemoryStore(), "os", { compression: "zstd", preserveDigests: true });
    await expect(copy).rejects.toMatchObject({ code: "UNSUPPORTED" });
    const wrong = await image(from, { diffId: digestOf(Buffer.from("other")) });
    const to = new MemoryStore();
    await expect(copyImage(from, wrong, to, "os", { compression: "zstd" })).rejects.toMatchObject({
      code: "DIFF_ID_MISMATCH",
    });
    expect(await to.list()).toEqual([]);
  });

  it("turns Docker's documents into OCI's only where that is wanted", async () => {
    const from = new MemoryStore();
    const single = await image(from, { docker: true });
    const start = await list(from, MEDIA_TYPE.dockerIndex, [
      { ...single, platform: { os: "linux", architecture: "amd64" } },
    ]);
    expect((await copyImage(from, start, new MemoryStore(), "os")).digest).toBe(start.digest);
    const kept = await copyImage(from, start, new MemoryStore(), "os", { documents: "oci", preserveDigests: true });
    expect(kept.digest).toBe(start.digest);
    const to = new MemoryStore();
    const converted = await copyImage(from, start, to, "os", { documents: "oci" });
    expect(converted.mediaType).toBe(MEDIA_TYPE.index);
    const { manifests } = parseImageIndex(await fetchDocument(to, converted), "list");
    expect(manifests[0]).toMatchObject({ mediaType: MEDIA_TYPE.manifest, platform: { architecture: "amd64" } });
    const found = await openImage(to, "os");
    expect(found.manifest.config.mediaType).toBe(MEDIA_TYPE.config);
    expect(found.manifest.layers[0]?.mediaType).toBe(MEDIA_TYPE.layerGzip);
    expect(found.layers[0]?.descriptor.digest).toBe(describeBytes("", gzipSync(TAR)).digest);
  });

  it("keeps an index with all its images, and names none that is not whole", async () => {
    const from = new MemoryStore();
    const members = [await image(from), await image(from, { architecture: "arm64" })];
    const start = await list(from, MEDIA_TYPE.index, members);
    const to = new MemoryStore();
    expect((await copyImage(from, start, to, "os")).digest).toBe(start.digest);
    expect(await to.exists(members[1] as Descriptor)).toBe(true);
    const lost = { ...(members[0] as Descriptor), digest: digestOf(Buffer.from("lost")) };
    const broken = await list(from, MEDIA_TYPE.index, [lost]);
    await expect(copyImage(from, broken, to, "broken")).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect((await to.list()).map(({ name }) => name)).toEqual(["os"]);
  });

  it("lets a registry take blobs over, and reports each blob once", async () => {
    const from = new MemoryStore();
    const start = await image(from);
    const to = Object.assign(new MemoryStore(), {
      mount: (blob: Descriptor, repository: string) => {
        if (repository !== "base" || !blob.mediaType.includes("layer")) return Promise.resolve(false);
        return to.push(blob, from.fetch(blob)).then(() => true);
      },
      uploadBlob: (blob: Descriptor, open: (offset: number) => AsyncIterable<Uint8Array>) => to.push(blob, open(0)),
    });
    const stages: string[] = [];
    const progress: Progress = {
      warn: () => undefined,
      stage: (name) => ({ advance: () => undefined, done: (outcome) => void stages.push(`${name} ${outcome}`) }),
    };
    await copyImage(from, start, to, "os", { mountFrom: "base", progress });
    await copyImage(from, start, to, "os", { mountFrom: "base", progress });
    expect(stages.toSorted()).toEqual([
      "blob already there",
      "blob taken over within the registry",
      "config already there",
      "config undefined",
    ]);
  });

  it("stops within a blob when it is told to", async () => {
    const from = new MemoryStore();
    const start = await image(from);
    const stop = new AbortController();
    const to = new MemoryStore();
    const push = to.push.bind(to);
    to.push = (blob, bytes) => {
      stop.abort();
      return push(blob, bytes);
    };
    await expect(copyImage(from, start, to, "os", { signal: stop.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(await to.list()).toEqual([]);
  });
});
