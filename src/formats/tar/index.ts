export { TarError, type TarErrorCode } from "./error.ts";
export type { TarEntry, TarEntryType, TarSpan, TarXattr } from "./format.ts";
export {
  assertWithinLimits,
  DEFAULT_TAR_LIMITS,
  TAR_LIMITS,
  type TarLimitFacts,
  type TarLimits,
  type TarPeaks,
} from "./limits.ts";
export { type TarHandler, TarParser } from "./parser.ts";
export { readTar, scanTar } from "./reader.ts";
export { encodeTarHeader, sparseBytes, TAR_END, tarPadding, type TarWriteEntry } from "./writer.ts";
