// What can be wrong with keys, signatures and signature policies.
import { SlipwayError } from "../../base/errors.ts";

export type SignatureErrorCode =
  | "BAD_KEY"
  | "BAD_PASSWORD"
  | "NO_PASSWORD"
  | "BAD_IDENTITY"
  | "BAD_POLICY"
  | "NOT_SIGNED"
  | "REFUSED";

/** NOT_SIGNED: `verify` found no signature that it accepts. REFUSED: the policy does not allow the image. */
export class SignatureError extends SlipwayError<SignatureErrorCode> {}
