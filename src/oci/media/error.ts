// What can be wrong with disks on their way into and out of registries.
import { SlipwayError } from "../../base/errors.ts";

export type MediaErrorCode =
  | "BAD_OPTION"
  | "BAD_NAME"
  | "NO_DISK"
  | "AMBIGUOUS"
  | "NOT_A_DISK"
  | "NOT_ALONE"
  | "CHANGED";

export class MediaError extends SlipwayError<MediaErrorCode> {}
