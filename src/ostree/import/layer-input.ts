// What the importer wants to know of a layer: its entries in tar order, content by reference.
import type { LayerEntry } from "../../tree/index.ts";

export interface LayerInput {
  /** Of the blob as the manifest names it. */
  readonly digest: string;
  readonly entries: Iterable<LayerEntry> | AsyncIterable<LayerEntry>;
}
