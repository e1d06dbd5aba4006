// Layers in another compression. The result is kept in a file until its digest and size are known; the diffIds stay, so
// the config stays as it is. Equal input, equal output for one version of zlib.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Digest, digestHex, finishDigest } from "../base/digest.ts";
import { AtomicFile } from "../base/io/index.ts";
import { countBytes, EXPANSION_LIMITS, type ExpansionLimits } from "../base/stream/index.ts";
import { gzip } from "../formats/gzip/index.ts";
import { zstd } from "../formats/zstd/index.ts";
import type { Descriptor } from "./descriptor.ts";
import { LayerError } from "./error.ts";
import type { ImageLayer } from "./image.ts";
import { decompress } from "./layer/decompress.ts";
import { layerError } from "./layer/errors.ts";
import { type Compression, MEDIA_TYPE } from "./media-types.ts";
import type { ReadableStore } from "./store.ts";

const MEDIA_TYPES: Readonly<Record<Compression, string>> = {
  none: MEDIA_TYPE.layer,
  gzip: MEDIA_TYPE.layerGzip,
  zstd: MEDIA_TYPE.layerZstd,
};

/** Annotations about places within the compressed bytes, which are other bytes now. */
const ABOUT_BYTES =
  /^(io\.github\.containers\.zstd-chunked\.|containerd\.io\/snapshot\/stargz\/|io\.containers\.estargz\.)/;

export interface RecodedLayer {
  readonly descriptor: Descriptor;
  /** Below the directory that was given; the caller removes it. */
  readonly path: string;
}

export interface RecodeOptions {
  /** An existing directory with room for the layer. */
  readonly directory: string;
  readonly limits?: ExpansionLimits;
  readonly onBytes?: (bytes: number) => void;
}

/** Reads a layer and writes it compressed otherwise. Throws LayerError, IoError. */
export async function recodeLayer(
  from: ReadableStore,
  layer: ImageLayer,
  compression: Compression,
  options: RecodeOptions,
): Promise<RecodedLayer> {
  const path = join(options.directory, `${digestHex(layer.descriptor.digest)}.${compression}`);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    const tar = plainTar(from, layer, options);
    await using file = await AtomicFile.create(path);
    for await (const chunk of compression === "gzip" ? gzip(tar) : compression === "zstd" ? zstd(tar) : tar) {
      hash.update(chunk);
      await file.write(sizeBytes, chunk);
      sizeBytes += chunk.length;
    }
    await file.commit({ sync: false });
  } catch (error) {
    throw layerError(error, layer);
  }
  const annotations = Object.entries(layer.descriptor.annotations ?? {}).filter(([key]) => !ABOUT_BYTES.test(key));
  const descriptor = {
    mediaType: MEDIA_TYPES[compression],
    digest: finishDigest(hash),
    sizeBytes,
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  };
  return { descriptor, path };
}

/** The layer's tar, its diffId checked at the end. */
export async function* plainTar(
  from: ReadableStore,
  layer: ImageLayer,
  options: Pick<RecodeOptions, "limits" | "onBytes">,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  const counted = countBytes(from.fetch(layer.descriptor), options.onBytes);
  for await (const chunk of decompress(counted, options.limits ?? EXPANSION_LIMITS)) {
    hash.update(chunk);
    yield chunk;
  }
  assertDiffId(finishDigest(hash), layer.diffId);
}

function assertDiffId(found: Digest, wanted: Digest): void {
  if (found === wanted) return;
  throw new LayerError(
    "DIFF_ID_MISMATCH",
    `its decompressed bytes have the digest ${found}, the image's config says ${wanted}`,
    { hint: "Build or fetch the image again: its config does not belong to its layers", data: { found, wanted } },
  );
}
