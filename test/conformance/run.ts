/**
 * Runs the conformance suite against `slipway registry serve`, or against the registry at a URL:
 *
 *   node test/conformance/run.ts [URL]
 */
import { serveRegistry } from "../support/registry.ts";
import { tempDir } from "../support/tools.ts";
import { buildSuite, complaints, runSuite } from "./suite.ts";

using folder = tempDir();
const program = await buildSuite();
await using registry = process.argv[2] === undefined ? await serveRegistry(folder.join("registry")) : undefined;
const result = await runSuite(program, process.argv[2] ?? registry?.url ?? "", folder.join("reports"));
const wrong = complaints(result);
if (wrong.length > 0) console.log(`${result.output}\n${wrong.join("\n")}`);
console.log(`${result.passed.length} passed, ${result.failed.length} failed, ${result.skipped.length} skipped`);
process.exitCode = wrong.length === 0 ? 0 : 1;
