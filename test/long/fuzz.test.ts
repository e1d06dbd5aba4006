/**
 * Damaged input of every kind, for SLIPWAY_FUZZ_SECONDS (600 unless told otherwise): only errors of Slipway's own may
 * come out, in time and in little memory. Failures name the seed; the input is saved to .cache/fuzz/.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { start } from "../../src/base/process/index.ts";
import { TARGETS } from "./fuzz/targets.ts";

const seconds = Number(process.env["SLIPWAY_FUZZ_SECONDS"] ?? "600");
/** Another one explores other inputs; this one makes runs agree. */
const firstSeed = Number(process.env["SLIPWAY_FUZZ_SEED"] ?? "1");
const SILENCE_MS = 60_000;
const root = dirname(dirname(import.meta.dirname));
const WORKER = join(root, "test", "long", "fuzz", "worker.ts");

describe("damaged input", () => {
  const names = Object.keys(TARGETS);
  it.each(names)(`%s, for ${(seconds / names.length).toFixed(0)} s`, async (name) => {
    const outcome = await fuzz(name, seconds / names.length);
    if (outcome.wrong !== "") {
      const saved = await save(name, outcome.seed);
      expect.fail(`seed ${outcome.seed} (saved as ${saved}): ${outcome.wrong}`);
    }
    expect(outcome.count).toBeGreaterThan(10);
  });
});

interface FuzzOutcome {
  readonly count: number;
  /** The last one that was tried. */
  readonly seed: number;
  /** "" when nothing is. */
  readonly wrong: string;
}

function fuzz(name: string, durationSeconds: number): Promise<FuzzOutcome> {
  const options = ["--max-old-space-size=1024", WORKER, name, String(firstSeed), String(durationSeconds)];
  const child = start(process.execPath, options, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let seed = firstSeed;
  let wrong = "";
  let stderr = "";
  let rest = "";
  const hang = setTimeout(() => {
    wrong = `no end within ${SILENCE_MS} ms`;
    child.kill("SIGKILL");
  }, SILENCE_MS);
  child.stdout?.on("data", (chunk: Buffer) => {
    hang.refresh();
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("wrong ")) wrong = JSON.parse(line.slice("wrong ".length)) as string;
      else seed = Number(line);
    }
  });
  child.stderr?.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)));
  return new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(hang);
      // 13: nothing left to do, and a promise still open.
      if (wrong === "" && code !== 0) wrong = `it ended with ${code ?? signal}: ${stderr}`;
      resolve({ count: seed - firstSeed + 1, seed, wrong });
    });
  });
}

async function save(name: string, seed: number): Promise<string> {
  const folder = join(root, ".cache", "fuzz");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}-${seed}`);
  const child = start(process.execPath, [WORKER, name, String(seed), "--save", file], { cwd: root, stdio: "ignore" });
  const tooLong = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(tooLong);
  return file;
}
