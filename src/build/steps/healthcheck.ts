// HEALTHCHECK: how to ask a container whether it is well. Times are nanoseconds in the configuration, as Go counts.
import { omitEmpty, type RunConfig } from "../config.ts";
import type { Healthcheck } from "../containerfile/index.ts";

const NANOSECONDS = 1_000_000;

export function healthcheck(config: RunConfig, { check }: Pick<Healthcheck, "check">): RunConfig {
  if (check === "none") return { ...config, healthcheck: { Test: ["NONE"] } };
  const { command, intervalMs, timeoutMs, startPeriodMs, startIntervalMs, retries } = check;
  return {
    ...config,
    healthcheck: omitEmpty({
      Test: command.form === "exec" ? ["CMD", ...command.argv] : ["CMD-SHELL", command.script],
      Interval: nanoseconds(intervalMs),
      Timeout: nanoseconds(timeoutMs),
      StartPeriod: nanoseconds(startPeriodMs),
      StartInterval: nanoseconds(startIntervalMs),
      Retries: retries === 0 ? undefined : retries,
    }),
  };
}

/** Whole ones: Go reads no others. */
function nanoseconds(ms: number | undefined): number | undefined {
  return ms === undefined || ms === 0 ? undefined : Math.round(ms * NANOSECONDS);
}
