export { ZstdError } from "./error.ts";
export { unzstd } from "./reader.ts";
export { zstd, type ZstdOptions } from "./writer.ts";
