// What can be wrong with the machine's container settings. No message ever holds a password or a token.
import { SlipwayError } from "../../base/errors.ts";

export type SettingsErrorCode =
  | "BAD_AUTH_FILE"
  | "BAD_REGISTRIES_CONF"
  | "BAD_REGISTRIES_D"
  | "BAD_CERTS"
  | "BLOCKED"
  | "UNKNOWN_SHORT_NAME"
  | "AMBIGUOUS_SHORT_NAME"
  | "HELPER_FAILED"
  | "NOT_LOGGED_IN"
  | "BAD_OPTION"
  | "IO"
  | "LIMIT";

export class SettingsError extends SlipwayError<SettingsErrorCode> {}
