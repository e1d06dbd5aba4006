export { VfatError } from "./error.ts";
export { MIN_VOLUME_BYTES } from "./geometry.ts";
export {
  type FatDirectoryInput,
  type FatFileInput,
  type FatInput,
  layoutVfat,
  vfatDataBytes,
  type VfatOptions,
} from "./layout.ts";
