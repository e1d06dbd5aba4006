// Layers in another compression. The result is kept in a file until its digest and size are known; the diffIds stay, so
// the config stays as it is. Equal input, equal output for one version of zlib.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { digestHex, finishDigest } from "../base/digest.ts";
import { AtomicFile } from "../base/io/index.ts";
import { countBytes, EXPANSION_LIMITS, type ExpansionLimits, hashBytes } from "../base/stream/index.ts";
import { gzip } from "../formats/gzip/index.ts";
import { zstd } from "../formats/zstd/index.ts";
import type { Descriptor } from "./descriptor.ts";
import type { ImageLayer } from "./image.ts";
import { decompress } from "./layer/decompress.ts";
import { assertDiffId } from "./layer/diff-id.ts";
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
  let sizeBytes: number;
  try {
    const tar = plainTar(from, layer, options);
    await using file = await AtomicFile.create(path);
    const bytes = compression === "gzip" ? gzip(tar) : compression === "zstd" ? zstd(tar) : tar;
    sizeBytes = await file.writeStream(hashBytes(bytes, hash));
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
  yield* hashBytes(decompress(counted, options.limits ?? EXPANSION_LIMITS), hash);
  assertDiffId(finishDigest(hash), layer.diffId);
}
