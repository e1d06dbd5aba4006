export { ProcessError, run, type RunOptions, type RunResult, start, waitFor } from "./run.ts";
