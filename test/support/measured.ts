/**
 * The program as it is published (bundled; stripping types at run time costs memory of its own), with an account of what
 * it took: resident memory at its peak, and space below its store and TMPDIR. Memory is VmHWM, which the process reads of
 * itself at its end: getrusage would count the test runner that it was forked from.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, start, waitFor } from "../../src/base/process/index.ts";
import { allocatedBytes } from "./allocated.ts";
import type { Outcome } from "./slipway.ts";

export interface Measured extends Outcome {
  readonly residentBytes: number;
  /** Allocated below store and TMPDIR together, at the peak. */
  readonly temporaryBytes: number;
}

const root = dirname(dirname(import.meta.dirname));
const POLL_MS = 50;
const ACCOUNT = `
  import { readFileSync, writeSync } from "node:fs";
  process.on("exit", () => writeSync(3, readFileSync("/proc/self/status")));
`;

/** Builds the program into `work/program` and runs it with a store (`work/store`) and a TMPDIR (`work/scratch`) of its own. */
export async function measuredSlipway(args: readonly string[], work: string): Promise<Measured> {
  const [program, store, scratch] = ["program", "store", "scratch"].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  await run(process.execPath, ["scripts/build.mjs", "--into", program], { cwd: root });
  mkdirSync(store, { recursive: true });
  mkdirSync(scratch, { recursive: true });
  let temporaryBytes = 0;
  const measure = (): void => {
    temporaryBytes = Math.max(temporaryBytes, allocatedBytes(store) + allocatedBytes(scratch));
  };
  const poll = setInterval(measure, POLL_MS);
  const hook = `--import=data:text/javascript,${encodeURIComponent(ACCOUNT)}`;
  const child = start(process.execPath, [hook, join(program, "main.js"), "--store", store, ...args], {
    env: { ...process.env, TMPDIR: scratch },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const texts = [1, 2, 3].map((fd) => {
    const chunks: Buffer[] = [];
    child.stdio[fd]?.on("data", (chunk: Buffer) => chunks.push(chunk));
    return (): string => Buffer.concat(chunks).toString();
  });
  const exitCode = await waitFor(child, "slipway");
  clearInterval(poll);
  measure();
  const [stdout = "", stderr = "", status = ""] = texts.map((text) => text());
  const peak = /VmHWM:\s+(\d+) kB/.exec(status)?.[1];
  return { exitCode, stdout, stderr, residentBytes: Number(peak) * 1024, temporaryBytes };
}
