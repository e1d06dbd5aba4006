export { type FoundCompression, LONGEST_MAGIC_BYTES, sniffCompression } from "./sniff.ts";
