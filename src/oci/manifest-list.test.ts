import { describe, expect, it } from "vitest";
import { pushImage } from "../../test/support/store-contract.ts";
import { describeBytes, type Descriptor } from "./descriptor.ts";
import { addMembers, describeMembers, EMPTY_LIST, readList, writeList } from "./manifest-list.ts";
import { formatManifest } from "./manifest.ts";
import { MEDIA_TYPE } from "./media-types.ts";
import { MemoryStore } from "./memory/store.ts";
import type { Located } from "./open-reference.ts";
import { pushBytes } from "./store.ts";

async function imageFor(store: MemoryStore, architecture: string): Promise<Descriptor> {
  const config = Buffer.from(JSON.stringify({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: [] } }));
  const configBlob = describeBytes(MEDIA_TYPE.config, config);
  const manifest = formatManifest({ mediaType: MEDIA_TYPE.manifest, config: configBlob, layers: [], annotations: {} });
  const descriptor = describeBytes(MEDIA_TYPE.manifest, manifest);
  await pushBytes(store, configBlob, config);
  await pushBytes(store, descriptor, manifest);
  await store.tag(descriptor, architecture);
  return descriptor;
}

const at = (store: MemoryStore, name: string): Located => ({
  store,
  name,
  isLocal: false,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

describe("lists", () => {
  it("remember their members' platforms and where they are, beside the index and not in it", async () => {
    const images = new MemoryStore();
    const registry = new MemoryStore();
    const amd64 = await imageFor(registry, "amd64");
    const arm64 = await imageFor(registry, "arm64");
    let list = EMPTY_LIST;
    for (const name of ["amd64", "arm64", "amd64"])
      list = addMembers(list, await describeMembers(at(registry, name), images), `docker://h.example/os:${name}`);
    const descriptor = await writeList(images, "list", list);
    const read = await readList(images, "list");
    expect(read.index.manifests).toEqual([
      { ...amd64, platform: { os: "linux", architecture: "amd64" } },
      { ...arm64, platform: { os: "linux", architecture: "arm64" } },
    ]);
    expect(read.origins).toEqual({
      [amd64.digest]: "docker://h.example/os:amd64",
      [arm64.digest]: "docker://h.example/os:arm64",
    });
    expect((await writeList(images, "again", { ...list, origins: {} })).digest).toBe(descriptor.digest);
    await writeList(images, "fewer", { ...read, index: { ...read.index, manifests: read.index.manifests.slice(1) } });
    expect(Object.keys((await readList(images, "fewer")).origins)).toEqual([arm64.digest]);
  });

  it("take all images of another list", async () => {
    const images = new MemoryStore();
    const registry = new MemoryStore();
    await imageFor(registry, "amd64");
    const list = addMembers(EMPTY_LIST, await describeMembers(at(registry, "amd64"), registry), undefined);
    await writeList(registry, "list", list);
    expect(await describeMembers(at(registry, "list"), images)).toEqual(list.index.manifests);
  });

  it("are not single images, and have no members that do not exist", async () => {
    const images = new MemoryStore();
    await images.tag(await pushImage(images, "one"), "single");
    await expect(readList(images, "single")).rejects.toMatchObject({ code: "NOT_AN_IMAGE" });
    await expect(describeMembers(at(images, "absent"), images)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
