/**
 * `slipway` with an account of what it took: resident memory at its peak, and space below its store and TMPDIR.
 * Memory is VmHWM, which the process reads of itself at its end: getrusage would count the test runner it was forked from.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, slipway } from "./slipway.ts";

export interface Measured extends Outcome {
  readonly residentBytes: number;
  /** Allocated below store and TMPDIR together, at the peak. */
  readonly temporaryBytes: number;
}

const POLL_MS = 50;
const ACCOUNT = `
  import { readFileSync, writeFileSync } from "node:fs";
  // bin/slipway.cjs, which starts the program, has this hook as well.
  if (/main\.(js|ts)$/.test(process.argv[1]))
    process.on("exit", () => writeFileSync(process.env.SLIPWAY_TEST_ACCOUNT, readFileSync("/proc/self/status")));
`;

/** Runs a command with its own store (`work/store`) and TMPDIR (`work/scratch`); both stay. */
export async function measuredSlipway(args: readonly string[], work: string): Promise<Measured> {
  const [store, scratch, account] = ["store", "scratch", "account"].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(store, { recursive: true });
  mkdirSync(scratch, { recursive: true });
  let temporaryBytes = 0;
  const measure = (): void => {
    temporaryBytes = Math.max(temporaryBytes, allocatedBytes(store) + allocatedBytes(scratch));
  };
  const poll = setInterval(measure, POLL_MS);
  const outcome = await slipway(args, {
    env: {
      SLIPWAY_STORE: store,
      TMPDIR: scratch,
      SLIPWAY_TEST_ACCOUNT: account,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(ACCOUNT)}`,
    },
  });
  clearInterval(poll);
  measure();
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(account, "latin1"))?.[1];
  return { ...outcome, residentBytes: Number(peak) * 1024, temporaryBytes };
}

export function allocatedBytes(path: string): number {
  try {
    const stat = lstatSync(path);
    const below = stat.isDirectory() ? readdirSync(path) : [];
    return below.reduce((sum, entry) => sum + allocatedBytes(join(path, entry)), stat.blocks * 512);
  } catch {
    // Gone between listing and looking.
    return 0;
  }
}
