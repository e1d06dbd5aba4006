// The directory of a WORKDIR: where it is missing it is a layer, made as the user of that moment.
import type { StageState } from "../state.ts";
import { lookUpUser } from "../users.ts";
import { addLayer, keyOf, onceABuild, type StepContext, type StepOutcome } from "./context.ts";
import { missingDirectories } from "./missing-directories.ts";

/** `state` has the directory in its configuration. Throws BuildError NOT_FOUND, and what writing a layer throws. */
export async function makeWorkdir(context: StepContext, state: StageState): Promise<StepOutcome> {
  const { root, config } = state;
  const key = keyOf(context, state, "WORKDIR", {});
  return onceABuild(context, state, key, async () => {
    const missing = await missingDirectories(root, [config.workingDir], Math.floor(context.services.nowMs() / 1000));
    const { uid, gid } = missing.length === 0 ? { uid: 0, gid: 0 } : await lookUpUser(root, config.user);
    return addLayer(
      context,
      state,
      key,
      missing.map((entry) => ({ ...entry, uid, gid })),
    );
  });
}
