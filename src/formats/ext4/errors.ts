// The one error class of the ext4 area.
import { SlipwayError } from "../../base/errors.ts";

export class Ext4Error extends SlipwayError<
  | "NO_SPACE"
  | "BAD_OPTION"
  | "BAD_NAME"
  | "BAD_TREE"
  | "BAD_XATTR"
  | "XATTR_TOO_LARGE"
  | "SYMLINK_TOO_LONG"
  | "FILE_TOO_LARGE"
  | "DIRECTORY_TOO_LARGE"
  | "NOT_EXT4"
  | "CORRUPT"
  | "UNSUPPORTED"
> {}
