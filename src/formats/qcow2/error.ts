// What is wrong with a qcow2 file, or with what should become one.
import { SlipwayError } from "../../base/errors.ts";

export class Qcow2Error extends SlipwayError<"NOT_QCOW2" | "UNSUPPORTED" | "CORRUPT" | "LIMIT"> {}
