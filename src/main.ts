// The entry: everything else is in cli/. What V8 makes of the program is kept for the next run, where the user has a place
// for such things.
import { mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { isAbsolute, join } from "node:path";

const { XDG_CACHE_HOME: chosen = "", HOME: home = "" } = process.env;
const cache = join(isAbsolute(chosen) ? chosen : join(home, ".cache"), "slipway");
if (isAbsolute(cache) && isMade(cache)) enableCompileCache(cache);
const { runCli } = await import("./cli/index.ts");

process.exitCode = await runCli(process.argv.slice(2));

/** Not left to Node, which tries for ever where no directory can be made, as below /proc. */
function isMade(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EEXIST";
  }
}
