export {
  assertExpansion,
  EXPANSION_LIMITS,
  ExpansionError,
  ExpansionGuard,
  type ExpansionLimits,
} from "./expansion.ts";
export { type Codec, runCodec } from "./transform.ts";
export { readAhead } from "./read-ahead.ts";
export { countBytes, hashBytes, skipBytes } from "./pass.ts";
export { verifyStream } from "./verify.ts";
