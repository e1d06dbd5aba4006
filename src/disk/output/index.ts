export { encodeAll, type EncodeOptions, type OutputRequest } from "./encode.ts";
export type { OutputCompression, OutputFile, OutputFormat } from "./writer.ts";
