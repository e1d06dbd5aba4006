export { GzipError } from "./error.ts";
export { gzipParallel } from "./parallel.ts";
export { gunzip } from "./reader.ts";
export { gzip, type GzipOptions } from "./writer.ts";
