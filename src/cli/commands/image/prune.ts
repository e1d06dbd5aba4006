// `slipway prune`: shows what it will remove, asks, removes.
import { pruneBuildRoots } from "../../../build/index.ts";
import { formatSize } from "../../../base/size.ts";
import { type LocalStore, OciError, openLocalStore, pruneStore, type StorePruneResult } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import type { Context } from "../../context.ts";
import { confirm } from "../../confirm.ts";

export const prune: CommandFunction = async (context, _args, options) => {
  const local = await openLocalStore(context.storePath);
  if (options["dryRun"] === true || options["yes"] !== true) {
    const plan = await pruneAll(context, local, true);
    const text = describe("would remove", plan);
    if (options["dryRun"] === true) return { text, data: { dryRun: true, ...plan } };
    if (plan.blobs === 0 && plan.cachedLayers === 0 && plan.buildRoots === 0)
      return { text: "nothing to remove\n", data: plan };
    const answer = await confirm(context, `${text.trimEnd()}. Go on?`);
    if (answer === false)
      return { text: "nothing was removed\n", data: { ...plan, blobs: 0, bytes: 0, cachedLayers: 0, buildRoots: 0 } };
    if (answer === undefined) {
      throw new OciError("UNCONFIRMED", `cannot prune without a yes: ${text.trimEnd()}`, {
        hint: "Give --yes, or look first with --dry-run",
      });
    }
  }
  const result = await pruneAll(context, local, false);
  return { text: describe("removed", result), data: result };
};

interface PruneResult extends StorePruneResult {
  readonly buildRoots: number;
}

async function pruneAll({ signal, env }: Context, local: LocalStore, dryRun: boolean): Promise<PruneResult> {
  const buildRoots = await pruneBuildRoots(local.directory, { dryRun, signal, env });
  return { ...(await pruneStore(local, { dryRun })), buildRoots };
}

function describe(did: string, { blobs, bytes, kept, cachedLayers, buildRoots }: PruneResult): string {
  const later = kept === 0 ? "" : `; ${kept} blobs may belong to commands that are still running`;
  return `${did} ${blobs} blobs (${formatSize(bytes)}), ${cachedLayers} decompressed layers and ${buildRoots} roots of builds${later}\n`;
}
