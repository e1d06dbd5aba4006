// COPY and ADD in two halves. The first reads the context only: what is copied, and the digest that the step cache is
// asked with. The second, when the cache has no answer, lays that over the target and returns the layer's entries.
import type { LayerEntry } from "../../tree/index.ts";
import type { ContextSource } from "./context.ts";
import { digestPicks } from "./digest.ts";
import { parseChmod } from "./mode.ts";
import { placePicks } from "./place.ts";
import type { CopyRequest } from "./request.ts";
import { pickSources, Scratch } from "./sources.ts";
import type { CopyTarget } from "./target.ts";

export interface CopyPlan {
  /** SHA-256 (hexadecimal) of all that determines the result, less times and what is already in the target. */
  readonly digest: string;
  /** What is new or changed, sorted, so parents first. Asked for only when the step cache has no answer. Throws BuildError. */
  entries(onto: CopyTarget): Promise<LayerEntry[]>;
}

/** Reads the context, and fetches what is added from the web without a checksum. Throws BuildError. */
export async function prepareCopy(request: CopyRequest, from: ContextSource): Promise<CopyPlan> {
  const changeMode = request.chmod === undefined ? undefined : parseChmod(request.chmod);
  const scratch = new Scratch(request.scratch);
  const picks = await pickSources(request, from, scratch);
  return {
    digest: await digestPicks(request, picks, changeMode),
    entries: (onto) => placePicks(request, picks, changeMode, onto, scratch),
  };
}

/** Both halves. Throws BuildError. */
export async function planCopy(
  request: CopyRequest,
  from: ContextSource,
  onto: CopyTarget,
): Promise<{ entries: LayerEntry[]; digest: string }> {
  const plan = await prepareCopy(request, from);
  return { entries: await plan.entries(onto), digest: plan.digest };
}
