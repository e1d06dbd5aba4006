export { GptError } from "./error.ts";
export { ATTRIBUTES, BACKUP_SECTORS, FIRST_USABLE_LBA, PARTITION_TYPES, SECTOR_BYTES } from "./format.ts";
export { readGpt, type ReadPartition, type ReadTable } from "./reader.ts";
export { type GptPartition, type GptPiece, type GptTable, lastUsableLba, layoutGpt } from "./writer.ts";
