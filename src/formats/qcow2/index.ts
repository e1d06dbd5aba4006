export { compressCluster } from "./codec.ts";
export { CompressedMap, type FilePiece } from "./compressed-map.ts";
export { Qcow2Error } from "./error.ts";
export { CLUSTER_BYTES, INCOMPATIBLE, type Qcow2Compression } from "./format.ts";
export { decodeHeader, type Qcow2Header } from "./header.ts";
export { planQcow2, type Qcow2Plan } from "./plan.ts";
export { type Qcow2Disk, readQcow2 } from "./reader.ts";
