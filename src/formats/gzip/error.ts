// What can be wrong with gzip input. `inputOffset` says how much of it was good.
import { SlipwayError } from "../../base/errors.ts";

export class GzipError extends SlipwayError<"TRUNCATED" | "CORRUPT" | "TRAILING_DATA"> {}
