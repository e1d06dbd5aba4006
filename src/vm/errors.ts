import { SlipwayError } from "../base/errors.ts";

export class VmError extends SlipwayError<
  "NO_FIRMWARE" | "NOT_BOOTED" | "STOPPED" | "QMP_FAILED" | "NO_KVM" | "UNKNOWN_ARCHITECTURE" | "BAD_OPTION"
> {}
