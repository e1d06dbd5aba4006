import { SlipwayError } from "../base/errors.ts";

/** Why an image cannot become a bootable system. */
export class ImageContractError extends SlipwayError<
  | "NOT_BOOTABLE"
  | "NO_KERNEL"
  | "TWO_KERNELS"
  | "WRONG_ARCHITECTURE"
  | "NO_PREPARE_ROOT"
  | "NO_OS_RELEASE"
  | "BAD_KARGS"
  | "BAD_PREPARE_ROOT"
  | "NO_BOOT_LOADER"
> {}
