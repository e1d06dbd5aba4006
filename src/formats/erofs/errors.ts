import { SlipwayError } from "../../base/errors.ts";

export class ErofsError extends SlipwayError<"LIMIT"> {}
