export { decodeGVariant, MAX_BYTES } from "./reader.ts";
export { GVariantError, parseType } from "./type.ts";
export { type Just, stringDictionary, type Value, type Variant, variant } from "./value.ts";
export { encodeGVariant, isVariant } from "./writer.ts";
