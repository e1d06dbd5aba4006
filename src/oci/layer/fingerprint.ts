// A digest of each regular file that is computed while its layer streams by, so that nobody has to read it again.
import type { Metadata } from "../../tree/index.ts";

export interface Fingerprint {
  /** Names the cached index that holds the results; there is one kind so far: `LayerEntry.ostreeChecksum`. */
  readonly name: "ostree";
  /** What is hashed before the file's bytes. Change `version` when it changes for equal metadata. */
  prefix(metadata: Metadata): Uint8Array;
  readonly version?: number;
}
