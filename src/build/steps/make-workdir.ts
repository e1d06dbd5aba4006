// The directory of a WORKDIR: where it is missing it is a layer, made as the user of that moment.
import { formatPlatform } from "../../oci/index.ts";
import { stepKey } from "../cache/index.ts";
import type { StageState } from "../state.ts";
import { lookUpUser } from "../users.ts";
import { keepLayer, onceABuild, type StepContext, type StepOutcome } from "./context.ts";
import { missingDirectories } from "./missing-directories.ts";

/** `state` has the directory in its configuration. Throws BuildError NOT_FOUND, and what writing a layer throws. */
export async function makeWorkdir(context: StepContext, state: StageState): Promise<StepOutcome> {
  const { request, services, disk } = context;
  const { root, config } = state;
  const key = stepKey({
    kind: "WORKDIR",
    before: state,
    platform: formatPlatform(context.platform),
    epochSeconds: request.epochSeconds,
    own: {},
  });
  return onceABuild(context, state, key, async () => {
    const missing = await missingDirectories(root, [config.workingDir], Math.floor(services.nowMs() / 1000));
    const { uid, gid } = missing.length === 0 ? { uid: 0, gid: 0 } : await lookUpUser(root, config.user);
    const entries = missing.map((entry) => ({ ...entry, uid, gid }));
    const kept = await keepLayer(context, state, key, entries);
    if (kept.built !== undefined) await disk.follow(root, kept.root, kept.built);
    return kept;
  });
}
