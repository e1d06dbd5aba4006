import { SlipwayError } from "../../base/errors.ts";

/** An ostree object or part of one that the format does not allow. */
export class OstreeFormatError extends SlipwayError<"BAD_OBJECT" | "BAD_CHECKSUM" | "BAD_NAME"> {}
