// Compression of single clusters, in the thread pool. zlib: raw deflate with the 4 KiB window that QEMU's inflate is
// set to (block/qcow2-threads.c); zstd: one frame. What does not get smaller is told to be stored as it is.
import { constants, deflateRaw, zstdCompress } from "node:zlib";
import { CLUSTER_BYTES, type Qcow2Compression } from "./format.ts";

// One output buffer that any result fits into: no second round for the bound of either codec.
const OUTPUT_BYTES = CLUSTER_BYTES + 1024;

const DEFLATE_OPTIONS = {
  windowBits: 12,
  memLevel: 9,
  level: constants.Z_DEFAULT_COMPRESSION,
  chunkSize: OUTPUT_BYTES,
};
const ZSTD_OPTIONS = {
  pledgedSrcSize: CLUSTER_BYTES,
  params: { [constants.ZSTD_c_compressionLevel]: 3 },
  chunkSize: OUTPUT_BYTES,
};

/** The compressed bytes of one cluster, or undefined when they are not fewer. The input must not change meanwhile. */
export function compressCluster(cluster: Uint8Array, compression: Qcow2Compression): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Uint8Array): void => {
      if (error !== null) reject(error);
      else resolve(result.length < CLUSTER_BYTES ? result : undefined);
    };
    if (compression === "zstd") zstdCompress(cluster, ZSTD_OPTIONS, done);
    else deflateRaw(cluster, DEFLATE_OPTIONS, done);
  });
}
