// What FAT cannot hold.
import { SlipwayError } from "../../base/errors.ts";

export class VfatError extends SlipwayError<
  "BAD_SIZE" | "TOO_SMALL" | "BAD_LABEL" | "BAD_NAME" | "DUPLICATE" | "UNSUPPORTED" | "FILE_TOO_LARGE" | "LIMIT"
> {}
