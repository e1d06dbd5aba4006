import { SlipwayError } from "../../base/errors.ts";

export class DebianBaseError extends SlipwayError<
  "NO_USER_NAMESPACES" | "NO_EMULATION" | "BOOTSTRAP_FAILED" | "BAD_SYSTEM" | "BAD_OPTION"
> {}
