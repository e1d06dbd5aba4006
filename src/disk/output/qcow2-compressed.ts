// The disk as a compressed qcow2 file: clusters are compressed in the thread pool, placed in disk order whatever the
// order they come back in, so that the same disk gives the same bytes. Clusters of zeros stay unallocated.
import { createHash } from "node:crypto";
import { alignUp, isZero } from "../../base/bytes/index.ts";
import { type Digest, finishDigest } from "../../base/digest.ts";
import { AtomicFile } from "../../base/io/index.ts";
import {
  CLUSTER_BYTES,
  CompressedMap,
  compressCluster,
  type FilePiece,
  type Qcow2Compression,
} from "../../formats/qcow2/index.ts";
import { type Chunk, CHUNK_BYTES } from "./gather.ts";
import { describeFile, type DiskWriter, FILE_OPTIONS, type OutputFile } from "./writer.ts";

/** Clusters of one chunk that are compressed at a time; two chunks are under way. The pool has four threads. */
const LANES = 4;

interface Packed {
  readonly guestCluster: number;
  readonly plain: Uint8Array;
  readonly compressed: Uint8Array | undefined;
}

export class CompressedQcow2Writer implements DiskWriter {
  readonly grainBytes: number = CLUSTER_BYTES;
  readonly #file: AtomicFile;
  readonly #compression: Qcow2Compression;
  readonly #map: CompressedMap;
  readonly #wantsDigest: boolean;
  #digest: Digest | undefined;
  #fileSizeBytes = 0;
  /** Chunks are placed one after the other. */
  #placed: Promise<void> = Promise.resolve();

  private constructor(file: AtomicFile, diskSizeBytes: number, compression: Qcow2Compression, digest: boolean) {
    this.#file = file;
    this.#compression = compression;
    this.#map = new CompressedMap(alignUp(diskSizeBytes, 512), compression);
    this.#wantsDigest = digest;
  }

  static async create(
    path: string,
    diskSizeBytes: number,
    compression: Qcow2Compression,
    digest: boolean,
  ): Promise<CompressedQcow2Writer> {
    return new CompressedQcow2Writer(await AtomicFile.create(path, FILE_OPTIONS), diskSizeBytes, compression, digest);
  }

  push(chunk: Chunk): Promise<void> {
    const compressed = this.#compress(chunk);
    const before = this.#placed;
    this.#placed = Promise.all([compressed, before]).then(([packed]) => this.#place(packed));
    return this.#placed;
  }

  async #compress(chunk: Chunk): Promise<Packed[]> {
    const clusters = chunk.segments.flatMap(({ at, start, length }) =>
      Array.from({ length: length / CLUSTER_BYTES }, (_, index) => ({
        guestCluster: at / CLUSTER_BYTES + index,
        plain: chunk.bytes.subarray(start + index * CLUSTER_BYTES, start + (index + 1) * CLUSTER_BYTES),
      })),
    );
    const filled = clusters.filter(({ plain }) => !isZero(plain));
    const packed: Packed[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < filled.length) {
        const index = next++;
        const cluster = filled[index] as (typeof filled)[number];
        packed[index] = { ...cluster, compressed: await compressCluster(cluster.plain, this.#compression) };
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return packed;
  }

  async #place(packed: readonly Packed[]): Promise<void> {
    const pieces = packed.map(({ guestCluster, plain, compressed }) =>
      compressed === undefined
        ? { offset: this.#map.placePlain(guestCluster), bytes: plain }
        : { offset: this.#map.placeCompressed(guestCluster, compressed.length), bytes: compressed },
    );
    await this.#writePieces(pieces);
  }

  /** Neighbours go out in one write. */
  async #writePieces(pieces: readonly FilePiece[]): Promise<void> {
    const sorted = pieces.toSorted((a, b) => a.offset - b.offset);
    let group: Uint8Array[] = [];
    let start = 0;
    let end = 0;
    for (const { offset, bytes } of sorted) {
      if (offset !== end || end - start >= CHUNK_BYTES) {
        await this.#write(start, group);
        group = [];
        start = offset;
      }
      group.push(bytes);
      end = offset + bytes.length;
    }
    await this.#write(start, group);
  }

  async #write(offset: number, group: readonly Uint8Array[]): Promise<void> {
    if (group.length === 0) return;
    const bytes = group.length === 1 ? (group[0] as Uint8Array) : Buffer.concat(group);
    await this.#file.write(offset, bytes);
    this.#fileSizeBytes = Math.max(this.#fileSizeBytes, offset + bytes.length);
  }

  async finish(): Promise<void> {
    await this.#placed;
    for (const piece of this.#map.finish()) await this.#write(piece.offset, [piece.bytes]);
    if (this.#wantsDigest) this.#digest = await this.#hashFile();
  }

  /** The tables at the front are known last: this file cannot be hashed as it is written. */
  async #hashFile(): Promise<Digest> {
    const hash = createHash("sha256");
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let offset = 0; offset < this.#fileSizeBytes; offset += buffer.length) {
      const part = buffer.subarray(0, Math.min(buffer.length, this.#fileSizeBytes - offset));
      await this.#file.read(offset, part);
      hash.update(part);
    }
    return finishDigest(hash);
  }

  async commit(): Promise<OutputFile> {
    await this.#file.commit();
    return describeFile(this.#file.path, "qcow2", this.#digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
