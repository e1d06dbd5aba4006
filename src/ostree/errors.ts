import { SlipwayError } from "../base/errors.ts";

/** An image, tree or repository that ostree cannot hold, or that contradicts its own names. */
export class OstreeError extends SlipwayError<
  | "UNSUPPORTED_FILE"
  | "BAD_LAYER"
  | "BAD_IMAGE"
  | "BAD_REF"
  | "BAD_POLICY"
  | "MISSING_OBJECT"
  | "CORRUPT_OBJECT"
  | "LIMIT"
> {}
