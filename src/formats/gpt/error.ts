// Errors of reading and laying out partition tables.
import { SlipwayError } from "../../base/errors.ts";

export class GptError extends SlipwayError<
  "BAD_NAME" | "BAD_GUID" | "BAD_SIZE" | "OVERLAP" | "OUT_OF_RANGE" | "NOT_GPT" | "CORRUPT" | "LIMIT"
> {}
