// What can go wrong with a build: reading the Containerfile, its steps, the sandbox, the secrets.
import { SlipwayError } from "../base/errors.ts";

export type BuildErrorCode =
  | "SYNTAX"
  | "UNKNOWN_STAGE"
  | "NOT_FOUND"
  | "BAD_VALUE"
  | "RUN_FAILED"
  | "SANDBOX"
  | "SECRET_LEAKED"
  | "LIMIT"
  | "CHECKSUM"
  | "DENIED"
  | "UNSUPPORTED";

export class BuildError extends SlipwayError<BuildErrorCode> {}
