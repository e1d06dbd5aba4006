// --squash: the layers of this build as one; --squash-all: those of the base too. What a later layer hid is gone for good.
import { directory } from "../tree/index.ts";
import { isRecord, type JsonObject } from "./json.ts";
import type { BuildRequest, BuildServices } from "./request.ts";
import type { Root } from "./root/index.ts";
import type { StageState, StepHistory } from "./state.ts";
import type { Workshop } from "./workshop.ts";

export interface Squashed {
  readonly root: Root;
  readonly history: readonly StepHistory[];
  readonly inherited: readonly JsonObject[];
}

export async function squash(
  state: StageState,
  { squash: wanted, epochSeconds }: BuildRequest,
  { signal }: BuildServices,
  workshop: Workshop,
): Promise<Squashed> {
  const { root, history, base } = state;
  const inherited = inheritedHistory(state);
  if (wanted === "none") return { root, history, inherited };
  const { diffTrees } = await import("./root/index.ts");
  const below = workshop.root(wanted === "all" ? [] : (base.image?.layers ?? []));
  const before = below.layers.length === 0 ? directory() : await below.tree();
  const entries = diffTrees(before, await root.tree());
  const { root: squashed, layer } = await below.add(entries, {
    signal,
    ...(epochSeconds === undefined ? {} : { epochSeconds }),
  });
  const emptyLayer = layer === undefined;
  const last = history.at(-1) as StepHistory;
  if (wanted === "all") return { root: squashed, history: [{ createdBy: last.createdBy, emptyLayer }], inherited: [] };
  const earlier = history.slice(0, -1).map((line) => ({ ...line, emptyLayer: true }));
  return { root: squashed, history: [...earlier, { ...last, emptyLayer }], inherited };
}

/** History of the base, as it stands there. */
function inheritedHistory({ base }: StageState): JsonObject[] {
  const history = base.image?.config.json["history"];
  return Array.isArray(history) ? history.filter(isRecord) : [];
}
