export { checksumOf, checksumToBytes, isChecksum } from "./checksum.ts";
export { type Commit, decodeCommit, encodeCommit } from "./commit.ts";
export { decodeDirmeta, encodeDirmeta } from "./dirmeta.ts";
export { decodeDirtree, type Dirtree, encodeDirtree } from "./dirtree.ts";
export { OstreeFormatError } from "./errors.ts";
export { fileObjectPrefix, type ObjectMetadata, symlinkChecksum } from "./file-header.ts";
export { decodeXattrs, type ObjectXattr } from "./xattrs.ts";
