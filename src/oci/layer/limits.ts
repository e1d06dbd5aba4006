// All caps that apply to reading a layer: those of tar, and that of decompression.
import { EXPANSION_LIMITS, type ExpansionLimits } from "../../base/stream/index.ts";
import { DEFAULT_TAR_LIMITS, type TarLimits } from "../../formats/tar/index.ts";

export interface LayerLimits {
  readonly tar: TarLimits;
  readonly expansion: ExpansionLimits;
}

export const DEFAULT_LAYER_LIMITS: LayerLimits = { tar: DEFAULT_TAR_LIMITS, expansion: EXPANSION_LIMITS };
