/**
 * `npm test`: what CI runs. Static stages, then every test below src/ and test/ (test/long/ only with `--long`). The last
 * line is `N passed, N failed, N skipped`, alone. With CI set a skipped test fails the run, because it proves nothing.
 * Other arguments are parts of file names: only those tests run, and no static stage.
 */
import { runStages, staticStages } from "./stages.ts";
import { runVitest } from "./vitest-run.ts";

const argv = process.argv.slice(2);
const long = argv.includes("--long");
const filters = argv.filter((argument) => argument !== "--long");
if (long) process.env["SLIPWAY_LONG"] = "1";

const stages = long || filters.length > 0 ? [] : await runStages(staticStages);
const tests = await runVitest({ filters, reporter: "default" });

const stagesPassed = stages.filter((stage) => stage.passed).length;
const passed = stagesPassed + tests.passed;
const failed = stages.length - stagesPassed + tests.failed;
const ci = !["", "0", "false", undefined].includes(process.env["CI"]);

for (const stage of stages) if (!stage.passed) console.log(`failed: ${stage.name}`);
for (const name of tests.skipped) console.log(`skipped: ${name}`);
if (ci && tests.skipped.length > 0) console.log("CI is set: skipped tests fail this run; install what they miss");
console.log(`${passed} passed, ${failed} failed, ${tests.skipped.length} skipped`);
process.exit(failed > 0 || passed === 0 || (ci && tests.skipped.length > 0) ? 1 : 0);
