/** `npm run fix`: what the tools can mend by themselves; then says what is left. */
import { runStages } from "./stages.ts";

const results = await runStages([
  { name: "lint", what: "oxlint --fix", argv: ["oxlint", "--fix"] },
  { name: "format", what: "oxfmt", argv: ["oxfmt", "."] },
]);
process.exit(results.every((result) => result.passed) ? 0 : 1);
