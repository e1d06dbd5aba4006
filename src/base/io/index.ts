export { AtomicFile, type AtomicFileOptions, sweepPartials, syncDirectory, writeFileAtomic } from "./atomic-file.ts";
export {
  type Content,
  contentBytes,
  contentFrom,
  contentOf,
  contentSource,
  dataBytes,
  EMPTY_CONTENT,
  type Extent,
  firstExtentAfter,
  placeContents,
  readContent,
  sliceContent,
  streamContent,
} from "./content.ts";
export { GatheredWriter, SyncBehind } from "./gathered-writer.ts";
export { FileSource } from "./file-source.ts";
export { type DataRun, dataRuns } from "./runs.ts";
export { stretches } from "./stretches.ts";
export { type HeldLock, type LockOptions, withFileLock } from "./lock.ts";
export { ownerState, type OwnerState, ownerText } from "./owner.ts";
export { assertInRange, IoError, MemorySource, readBytes, type Sink, type Source } from "./source.ts";
export { makeTempDir, type TempDir } from "./temp.ts";
export { writeError } from "./write-error.ts";
