// The narrow view that COPY has of the file system it copies onto.
import type { ByteString } from "../../base/bytes/index.ts";
import type { Inode } from "../../tree/index.ts";

/** Root of root/index.ts is one. Paths have no leading slash; "" is the root. */
export interface CopyTarget {
  /** No symbolic link is followed for the last name; those of parents are, inside the root. */
  lstat(path: ByteString): Promise<Inode | undefined>;
  /** Undefined when there is no such file. */
  readFile(path: ByteString, maxBytes: number): Promise<Uint8Array | undefined>;
}
