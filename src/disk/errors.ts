import { SlipwayError } from "../base/errors.ts";

export class DiskError extends SlipwayError<"TOO_SMALL" | "BAD_OPTION" | "UNSUPPORTED"> {}
