/**
 * One target's loop, in a process of its own: node worker.ts TARGET FIRST-SEED SECONDS, or TARGET SEED with `--save FILE`
 * to write that seed's input. Each seed goes to standard output before it is tried, so that a hang has a number.
 */
import { writeFileSync, writeSync } from "node:fs";
import { SlipwayError } from "../../../src/base/errors.ts";
import { randomFrom } from "../../support/random.ts";
import { TARGETS } from "./targets.ts";

/** More than any input of these sizes can be worth. */
const MAX_RESIDENT_BYTES = 900e6;

const [name = "", firstSeed = "1", seconds = "10", file] = process.argv.slice(2);
const target = await TARGETS[name]?.();
if (target === undefined) throw new Error(`no target ${name}: there are ${Object.keys(TARGETS).join(", ")}`);

if (seconds === "--save") {
  const input = target.input(randomFrom(Number(firstSeed)));
  writeFileSync(file ?? "input", input);
  process.stdout.write(`${await verdict(input)}\n`);
} else {
  const deadline = performance.now() + Number(seconds) * 1000;
  for (let seed = Number(firstSeed); performance.now() < deadline; seed++) {
    writeSync(1, `${seed}\n`);
    const wrong = await verdict(target.input(randomFrom(seed)));
    if (wrong !== "") {
      writeSync(1, `wrong ${JSON.stringify(wrong)}\n`);
      break;
    }
  }
}
process.exit(0);

/** What is wrong with how the input was taken; "" when nothing is. */
async function verdict(input: Buffer): Promise<string> {
  try {
    await target?.run(input);
  } catch (error) {
    if (!(error instanceof SlipwayError))
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (error.message === "" || error.code === "") return `an error without words: ${error.stack}`;
  }
  const { rss } = process.memoryUsage();
  return rss > MAX_RESIDENT_BYTES ? `it takes ${rss} bytes of memory` : "";
}
