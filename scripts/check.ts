/**
 * `npm run check`: types, lint, format, architecture and unit tests; no foreign tool, under 30 s on two processors.
 */
import { runStages, staticStages } from "./stages.ts";
import { runVitest } from "./vitest-run.ts";

const stages = await runStages(staticStages);
const tests = await runVitest({ projects: ["unit"], reporter: "dot" });
const failed = stages.filter((stage) => !stage.passed).map((stage) => stage.name);
if (tests.failed > 0) failed.push("unit tests");
console.log(failed.length === 0 ? "check: all good" : `check: ${failed.join(", ")} failed`);
process.exit(failed.length === 0 ? 0 : 1);
