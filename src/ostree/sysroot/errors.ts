import { SlipwayError } from "../../base/errors.ts";

export class OstreeSysrootError extends SlipwayError<"BAD_NAME" | "NOT_EMPTY" | "BAD_TREE" | "UNSUPPORTED"> {}
