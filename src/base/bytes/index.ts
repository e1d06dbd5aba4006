export {
  type ByteString,
  byteStringToBytes,
  byteStringToUtf8,
  bytesToByteString,
  compareByteStrings,
  printable,
  utf8ToByteString,
} from "./byte-string.ts";
export {
  alignDown,
  alignUp,
  ceilDiv,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  hex,
  isZero,
  utf8,
  viewOf,
} from "./bytes.ts";
export { crc32c, crc32cUpdate } from "./crc32c.ts";
export { deriveUuid, formatUuid, parseUuid, swapGuid } from "./uuid.ts";
