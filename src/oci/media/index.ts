export { MediaError, type MediaErrorCode } from "./error.ts";
export { assertFileName, type DiskFormat } from "./format.ts";
export type { ReadDiskOptions } from "./container-disk.ts";
export { openDisk, type OpenedDisk, type WrittenDisk, writeDisk } from "./read.ts";
export { changedError, type LayerOptions, MediaStore } from "./store.ts";
export {
  containerDisk,
  containerDiskPath,
  diskArtifact,
  type DiskFile,
  EMPTY_CONFIG,
  inspectDiskFile,
} from "./write.ts";
