// What can be wrong with a tar stream. Every error carries the offset in the (decompressed) stream.
import { SlipwayError } from "../../base/errors.ts";

export type TarErrorCode =
  | "TRUNCATED"
  | "BAD_CHECKSUM"
  | "BAD_NUMBER"
  | "BAD_PAX"
  | "BAD_SPARSE"
  | "BAD_ENTRY"
  | "UNSUPPORTED"
  | "LIMIT";

export class TarError extends SlipwayError<TarErrorCode> {}

/** `cannot read tar entry at offset N: <found>`. */
export function tarError(
  code: TarErrorCode,
  offset: number,
  found: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): TarError {
  return new TarError(code, `cannot read the tar entry at offset ${offset}: ${found}`, {
    ...options,
    data: { offset },
  });
}
