// What builds leave below the local store for those to come, and can make again: roots on disk.
import { join } from "node:path";
import { keptRoots } from "./root/kept-root.ts";

/** Roots on disk that builds have kept; with `dryRun` only counted. Throws BuildError SANDBOX. */
export async function pruneBuildRoots(
  storeDirectory: string,
  options: {
    readonly dryRun?: boolean;
    readonly signal: AbortSignal;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<number> {
  const parent = join(storeDirectory, "build", "work");
  const kept = await keptRoots(parent);
  if (options.dryRun === true || kept.length === 0) return kept.length;
  const { Namespace } = await import("./sandbox/index.ts");
  const { removeKeptRoots } = await import("./root/index.ts");
  await using namespace = await Namespace.open(options);
  return await removeKeptRoots(parent, namespace);
}
