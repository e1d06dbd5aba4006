// Header of a qcow2 file: written without backing file, snapshots and encryption, read with whatever it says.
import { viewOf } from "../../base/bytes/index.ts";
import { Qcow2Error } from "./error.ts";
import {
  CLUSTER_BITS,
  COMPRESSION_ZLIB,
  COMPRESSION_ZSTD,
  HEADER,
  HEADER_BYTES,
  INCOMPATIBLE,
  MAGIC,
  MAX_CLUSTER_BITS,
  MAX_L1_ENTRIES,
  MIN_CLUSTER_BITS,
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

export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly virtualSizeBytes: number;
  readonly clusterBytes: number;
  readonly compression: Qcow2Compression;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly hasBackingFile: boolean;
  readonly isEncrypted: boolean;
  readonly snapshotCount: number;
  /** Bits of INCOMPATIBLE; 0 in version 2. */
  readonly incompatible: bigint;
}

/** From the first 72 bytes or more. Throws NOT_QCOW2, UNSUPPORTED for other versions, CORRUPT and LIMIT. */
export function decodeHeader(bytes: Uint8Array): Qcow2Header {
  const view = viewOf(bytes);
  if (bytes.length < HEADER.incompatible || view.getUint32(HEADER.magic) !== MAGIC) {
    throw new Qcow2Error("NOT_QCOW2", 'cannot read the file as qcow2: it does not begin with "QFI\\xfb"');
  }
  const version = view.getUint32(HEADER.version);
  if (version !== 2 && version !== 3) {
    throw new Qcow2Error("UNSUPPORTED", `cannot read the qcow2 file: it is of version ${version}, want 2 or 3`);
  }
  const hasFeatures = version === 3 && bytes.length >= HEADER.compressionType;
  const clusterBits = view.getUint32(HEADER.clusterBits);
  const l1Entries = view.getUint32(HEADER.l1Entries);
  const virtualSizeBytes = Number(view.getBigUint64(HEADER.virtualSize));
  if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS || !Number.isSafeInteger(virtualSizeBytes)) {
    throw new Qcow2Error(
      "CORRUPT",
      `cannot read the qcow2 file: clusters of 2^${clusterBits} bytes, a disk of ${virtualSizeBytes}`,
    );
  }
  if (l1Entries > MAX_L1_ENTRIES) {
    throw new Qcow2Error(
      "LIMIT",
      `cannot read the qcow2 file: ${l1Entries} L1 entries, want at most ${MAX_L1_ENTRIES}`,
    );
  }
  const compressionType =
    hasFeatures && view.getUint32(HEADER.headerBytes) > HEADER.compressionType && bytes.length > HEADER.compressionType
      ? view.getUint8(HEADER.compressionType)
      : COMPRESSION_ZLIB;
  if (compressionType !== COMPRESSION_ZLIB && compressionType !== COMPRESSION_ZSTD) {
    throw new Qcow2Error("UNSUPPORTED", `cannot read the qcow2 file: compression type ${compressionType} is not known`);
  }
  return {
    version,
    virtualSizeBytes,
    clusterBytes: 2 ** clusterBits,
    compression: compressionType === COMPRESSION_ZSTD ? "zstd" : "zlib",
    l1Offset: Number(view.getBigUint64(HEADER.l1Offset)),
    l1Entries,
    hasBackingFile: view.getBigUint64(HEADER.backingOffset) !== 0n,
    isEncrypted: view.getUint32(HEADER.encryption) !== 0,
    snapshotCount: view.getUint32(HEADER.snapshotCount),
    incompatible: hasFeatures ? view.getBigUint64(HEADER.incompatible) : 0n,
  };
}
