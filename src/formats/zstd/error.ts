// What can be wrong with zstd input.
import { SlipwayError } from "../../base/errors.ts";

export class ZstdError extends SlipwayError<"TRUNCATED" | "CORRUPT"> {}
