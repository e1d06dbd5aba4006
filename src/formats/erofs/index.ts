export { ErofsError } from "./errors.ts";
export { BOOT_BYTES } from "./format.ts";
export type { ErofsDirectory, ErofsNode, ErofsXattr } from "./node.ts";
export { encodeErofs } from "./writer.ts";
export { filterBit } from "./xattrs.ts";
