export type { ChildProcess } from "node:child_process";
export { ProcessError, run, type RunOptions, type RunResult, start, waitFor } from "./run.ts";
