export { DiskError } from "./errors.ts";
export {
  encodeAll,
  type OutputCompression,
  type OutputFile,
  type OutputFormat,
  type OutputRequest,
} from "./output/index.ts";
export type { DiskPlan } from "./plan.ts";
export { type DiskImage, type DiskOptions, prepareDisk, type PreparedDisk } from "./prepare.ts";
export { updateTarget, type UpdateTarget } from "./update-target.ts";
