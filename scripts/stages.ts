/**
 * The static stages of `npm run check` and `npm test`: types, lint, format. Each is a tool of the clone, run to its end
 * even when an earlier one failed; output is shown only when there is something to say.
 */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";

export interface Stage {
  readonly name: string;
  readonly what: string;
  readonly argv: readonly [tool: string, ...argv: string[]];
}

export interface StageResult {
  readonly name: string;
  readonly passed: boolean;
}

export const root: string = dirname(import.meta.dirname);

export const staticStages: readonly Stage[] = [
  { name: "types", what: "tsc --noEmit", argv: ["tsc", "--noEmit", "--pretty"] },
  { name: "lint", what: "oxlint, type-aware", argv: ["oxlint"] },
  { name: "format", what: "oxfmt --check", argv: ["oxfmt", "--check", "."] },
];

/** Runs a tool out of node_modules/.bin; resolves with whether it exited 0. */
export async function runStage(stage: Stage): Promise<StageResult> {
  const startedMs = performance.now();
  const [tool, ...argv] = stage.argv;
  const child = spawn(join(root, "node_modules/.bin", tool), argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  const passed = await new Promise<boolean>((resolve) => {
    child.on("error", (error) => {
      output += `cannot run ${tool}: ${error.message}\n`;
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${passed ? "ok    " : "FAILED"} ${stage.name.padEnd(8)} ${stage.what} (${seconds} s)`);
  if (!passed) console.log(output.trimEnd());
  return { name: stage.name, passed };
}

/** One after the other: each of these tools uses all processors by itself. */
export async function runStages(stages: readonly Stage[]): Promise<StageResult[]> {
  const results: StageResult[] = [];
  for (const stage of stages) results.push(await runStage(stage));
  return results;
}
