// The entry of the sources; that of the built program is launcher.ts. Everything else is in cli/.
import { runCli } from "./cli/index.ts";

process.exitCode = await runCli(process.argv.slice(2));
