// Compressed clusters of a qcow2 file as Sources: found by their descriptor, decompressed when read. The one read last
// is kept, because readers come back for the rest of it.
import { constants, inflateRawSync, zstdDecompressSync } from "node:zlib";
import { readBytes, type Source } from "../../base/io/index.ts";
import { FrameCutter } from "../zstd/frames.ts";
import { Qcow2Error } from "./error.ts";
import { COMPRESSED, COPIED, type Qcow2Compression, SECTOR_BYTES } from "./format.ts";

export class CompressedClusters {
  readonly #file: Source;
  readonly #clusterBytes: number;
  readonly #compression: Qcow2Compression;
  readonly #offsetBits: bigint;
  #lastEntry = 0n;
  #lastBytes: Uint8Array = new Uint8Array(0);

  constructor(file: Source, clusterBytes: number, compression: Qcow2Compression) {
    this.#file = file;
    this.#clusterBytes = clusterBytes;
    this.#compression = compression;
    this.#offsetBits = BigInt(62 - (Math.log2(clusterBytes) - 8));
  }

  /** The cluster that an L2 entry describes; broken data shows when it is read. */
  sourceOf(entry: bigint): Source {
    return {
      sizeBytes: this.#clusterBytes,
      read: async (offset, target) => {
        const bytes = await this.#cluster(entry);
        target.set(bytes.subarray(offset, offset + target.length));
      },
    };
  }

  async #cluster(entry: bigint): Promise<Uint8Array> {
    if (entry === this.#lastEntry) return this.#lastBytes;
    const descriptor = entry & ~(COMPRESSED | COPIED);
    const offset = Number(descriptor & ((1n << this.#offsetBits) - 1n));
    const furtherSectors = Number(descriptor >> this.#offsetBits);
    const end = Math.min((Math.floor(offset / SECTOR_BYTES) + furtherSectors + 1) * SECTOR_BYTES, this.#file.sizeBytes);
    if (end <= offset) throw this.#corrupt(offset, "lies beyond the end of the file");
    const bytes = this.#decompress(await readBytes(this.#file, offset, end - offset), offset);
    if (bytes.length !== this.#clusterBytes) {
      throw this.#corrupt(offset, `holds ${bytes.length} bytes, want ${this.#clusterBytes}`);
    }
    this.#lastEntry = entry;
    this.#lastBytes = bytes;
    return bytes;
  }

  /** What follows the compressed data up to the end of its last sector belongs to others and is not looked at. */
  #decompress(packed: Uint8Array, offset: number): Uint8Array {
    try {
      // One more than is wanted: Node takes an output that reaches the limit for one that passes it.
      const maxOutputLength = this.#clusterBytes + 1;
      if (this.#compression === "zlib") {
        return inflateRawSync(packed, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH });
      }
      const frame = new FrameCutter().cut(packed).next().value ?? packed;
      return zstdDecompressSync(frame, { maxOutputLength });
    } catch (cause) {
      throw this.#corrupt(offset, "does not decompress", cause);
    }
  }

  #corrupt(offset: number, found: string, cause?: unknown): Qcow2Error {
    return new Qcow2Error(
      "CORRUPT",
      `cannot read the qcow2 file: the compressed cluster at offset ${offset} ${found}`,
      {
        data: { offset },
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }
}
