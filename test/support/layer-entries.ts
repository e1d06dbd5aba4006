// Layers and images from vectors in memory, as the importer wants them: without the store and its cache.
import { createHash, hash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type Content, contentBytes, MemorySource } from "../../src/base/io/index.ts";
import { fileObjectPrefix } from "../../src/formats/ostree/index.ts";
import { scanTar } from "../../src/formats/tar/index.ts";
import type { ImageInput, LayerInput } from "../../src/ostree/index.ts";
import { entryPath, type LayerEntry, layerEntryOf } from "../../src/tree/index.ts";

/** The entries of a tar; with `checksums` files bring their ostree checksum, as those of the layer cache do. */
export async function layerEntries(tar: Uint8Array, checksums = false): Promise<LayerEntry[]> {
  const source = new MemorySource(tar);
  const entries = await scanTar(source);
  return entries.map((tarEntry) => {
    const entry = layerEntryOf(tarEntry, source);
    if (entry.type !== "file" || !checksums) return entry;
    const digest = createHash("sha256").update(fileObjectPrefix(entry));
    for (const { offset, length } of tarEntry.spans) digest.update(tar.subarray(offset, offset + length));
    return { ...entry, ostreeChecksum: digest.digest("hex") };
  });
}

/** A layer from its gzip or plain blob. */
export async function layerInput(blob: Uint8Array, checksums = false): Promise<LayerInput> {
  const tar = blob[0] === 0x1f ? gunzipSync(blob) : blob;
  return { digest: digestOf(blob), entries: await layerEntries(tar, checksums) };
}

/** The one image of an oci-archive. */
export async function archiveImage(archive: Uint8Array, imageReference: string): Promise<ImageInput> {
  const source = new MemorySource(archive);
  const files = new Map<string, Content>();
  for (const entry of await scanTar(source)) files.set(entryPath(entry.path), layerEntryOf(entry, source).content);
  const read = async (path: string): Promise<Uint8Array> => {
    const content = files.get(path);
    if (content === undefined) throw new Error(`no ${path} in the archive`);
    return await contentBytes(content, 1 << 24);
  };
  const blob = (digest: string): Promise<Uint8Array> => read(`blobs/sha256/${digest.slice(7)}`);
  const json = (bytes: Uint8Array): Described => JSON.parse(Buffer.from(bytes).toString()) as Described;
  const manifestBytes = await blob(json(await read("index.json")).manifests?.[0]?.digest ?? "");
  const manifest = json(manifestBytes);
  const layers = (manifest.layers ?? []).map(async ({ digest }) => await layerInput(await blob(digest)));
  return {
    manifestBytes,
    configBytes: await blob(manifest.config?.digest ?? ""),
    layers: await Promise.all(layers),
    imageReference,
  };
}

interface Described {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${hash("sha256", bytes, "hex")}`;
}
