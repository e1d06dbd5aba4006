// Header of a qcow2 file without backing file, snapshots and encryption.
import { viewOf } from "../../base/bytes/index.ts";
import {
  CLUSTER_BITS,
  COMPRESSION_ZLIB,
  COMPRESSION_ZSTD,
  HEADER,
  HEADER_BYTES,
  INCOMPATIBLE,
  MAGIC,
  type Qcow2Compression,
  REFCOUNT_ORDER,
  VERSION,
} from "./format.ts";

export interface HeaderFields {
  /** A multiple of 512. */
  readonly virtualSizeBytes: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly compression: Qcow2Compression;
}

/** Header and the empty list of extensions behind it (120 bytes). */
export function encodeHeader(fields: HeaderFields): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + 8);
  const view = viewOf(bytes);
  const zstd = fields.compression === "zstd";
  view.setUint32(HEADER.magic, MAGIC);
  view.setUint32(HEADER.version, VERSION);
  view.setUint32(HEADER.clusterBits, CLUSTER_BITS);
  view.setBigUint64(HEADER.virtualSize, BigInt(fields.virtualSizeBytes));
  view.setUint32(HEADER.l1Entries, fields.l1Entries);
  view.setBigUint64(HEADER.l1Offset, BigInt(fields.l1Offset));
  view.setBigUint64(HEADER.refcountTableOffset, BigInt(fields.refcountTableOffset));
  view.setUint32(HEADER.refcountTableClusters, fields.refcountTableClusters);
  // zlib is what a reader assumes; anything else has to say so, so that old readers stop.
  view.setBigUint64(HEADER.incompatible, zstd ? INCOMPATIBLE.compressionType : 0n);
  view.setUint32(HEADER.refcountOrder, REFCOUNT_ORDER);
  view.setUint32(HEADER.headerBytes, HEADER_BYTES);
  view.setUint8(HEADER.compressionType, zstd ? COMPRESSION_ZSTD : COMPRESSION_ZLIB);
  return bytes;
}
