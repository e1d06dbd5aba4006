// dpkg syncs every file that it unpacks, so that a machine that fails keeps its packages. A root that is thrown away
// when the build fails need not survive that, and the layer is synced when it is made.
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { SandboxRun } from "./request.ts";

/** dpkg(1): in the environment since 1.19.5, in place of the defaults, which are the first two. */
const FORCE = "security-mac,downgrade,unsafe-io";

/** The same run, where dpkg does not wait for the disk. What the image or the build sets itself stays. */
export async function withoutSyncs(run: SandboxRun): Promise<SandboxRun> {
  const found = await lstat(join(run.root, "usr/bin/dpkg")).catch(() => undefined);
  return found === undefined ? run : { ...run, env: { DPKG_FORCE: FORCE, ...run.env } };
}
