export { TYPE_GPT_PROTECTIVE } from "./format.ts";
export { decodeMbr, encodeProtectiveMbr, MbrError, type MbrPartition } from "./mbr.ts";
