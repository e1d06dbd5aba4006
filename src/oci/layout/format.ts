// Facts of the OCI image layout (image-spec image-layout.md, version 1.0.0).
import { type Digest, digestHex } from "../../base/digest.ts";

export const LAYOUT_FILE = "oci-layout";
export const LAYOUT_JSON = '{"imageLayoutVersion":"1.0.0"}';
export const INDEX_FILE = "index.json";
export const BLOBS = "blobs/sha256";
/** Annotation of a descriptor in index.json: the name of the image within the layout. */
export const REF_NAME = "org.opencontainers.image.ref.name";

/** index.json of a store with many images may pass the cap on manifests. */
export const MAX_INDEX_BYTES: number = 64 * 1024 * 1024;

export function blobPath(digest: Digest): string {
  return `${BLOBS}/${digestHex(digest)}`;
}
