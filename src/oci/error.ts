// What can be wrong with images and the places they are kept in.
import { SlipwayError } from "../base/errors.ts";

export type OciErrorCode =
  | "NOT_FOUND"
  | "AMBIGUOUS"
  | "BAD_REFERENCE"
  | "BAD_LAYOUT"
  | "BAD_MANIFEST"
  | "BAD_PLATFORM"
  | "NO_PLATFORM"
  | "NOT_AN_IMAGE"
  | "UNSUPPORTED"
  | "RESTRICTED"
  | "INCOMPLETE"
  | "UNCONFIRMED"
  | "CONFLICT"
  | "LIMIT";

export class OciError extends SlipwayError<OciErrorCode> {}

export type LayerErrorCode =
  | "MISSING"
  | "SIZE_MISMATCH"
  | "DIGEST_MISMATCH"
  | "DIFF_ID_MISMATCH"
  | "TRUNCATED"
  | "CORRUPT"
  | "BAD_TAR"
  | "PATH_ESCAPE"
  | "LIMIT"
  | "UNSUPPORTED";

/** A layer that cannot be read. `data.layer` is its digest, `data.offset` where in the decompressed tar, when known. */
export class LayerError extends SlipwayError<LayerErrorCode> {}
