// A tree as an image of one layer in a store: tar, zstd, configuration, manifest, name.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, finishDigest } from "../../base/digest.ts";
import { hashBytes } from "../../base/stream/index.ts";
import { zstd } from "../../formats/zstd/index.ts";
import { describeBytes, type Descriptor, formatManifest, MEDIA_TYPE, pushBytes, type Store } from "../../oci/index.ts";
import { type DirectoryInode, treeToTar } from "../../tree/index.ts";

export interface ImageFacts {
  readonly architecture: string;
  readonly createdSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
  /** What made the layer, for the history. */
  readonly createdBy: string;
}

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The manifest's descriptor. Times later than `createdSeconds` become it. The store names the image `name`. */
export async function pushTree(
  root: DirectoryInode,
  facts: ImageFacts,
  store: Store,
  name: string,
  tempDirectory: string,
): Promise<Descriptor> {
  const path = join(tempDirectory, "layer.tar.zst");
  const { layer, diffId } = await writeLayer(root, facts.createdSeconds, path);
  if (!(await store.exists(layer))) await store.push(layer, createReadStream(path));
  const configBytes = Buffer.from(JSON.stringify(configOf(facts, diffId)));
  const config = describeBytes(MEDIA_TYPE.config, configBytes);
  await pushBytes(store, config, configBytes);
  const bytes = formatManifest({ mediaType: MEDIA_TYPE.manifest, config, layers: [layer], annotations: {} });
  const manifest = describeBytes(MEDIA_TYPE.manifest, bytes);
  await pushBytes(store, manifest, bytes);
  await store.tag(manifest, name);
  return manifest;
}

async function writeLayer(
  root: DirectoryInode,
  maxMtimeSeconds: number,
  path: string,
): Promise<{ layer: Descriptor; diffId: Digest }> {
  const plain = createHash("sha256");
  const compressed = createHash("sha256");
  let sizeBytes = 0;
  await using target = await open(path, "wx");
  for await (const chunk of zstd(hashBytes(treeToTar(root, { maxMtimeSeconds }), plain))) {
    compressed.update(chunk);
    await target.write(chunk);
    sizeBytes += chunk.length;
  }
  const layer = { mediaType: MEDIA_TYPE.layerZstd, digest: finishDigest(compressed), sizeBytes };
  return { layer, diffId: finishDigest(plain) };
}

function configOf({ architecture, createdSeconds, labels, createdBy }: ImageFacts, diffId: Digest): object {
  const created = formatTime(createdSeconds);
  return {
    created,
    architecture,
    os: "linux",
    config: { Env: [PATH], Cmd: ["/sbin/init"], Labels: labels },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created, created_by: createdBy }],
  };
}

/** RFC 3339 in whole seconds. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
