// STOPSIGNAL: what ends the image's program: a name of signal(7) with or without SIG, RTMIN+N, or a number.
import { constants } from "node:os";
import type { RunConfig } from "../config.ts";
import type { StopSignal } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { Expand } from "../state.ts";

const MAX_SIGNAL = 64;

export function stopSignal(config: RunConfig, { signal }: Pick<StopSignal, "signal">, expand: Expand): RunConfig {
  const text = expand(signal);
  if (!isSignal(text))
    throw new BuildError("BAD_VALUE", `cannot stop with ${JSON.stringify(text)}: it is no signal`, {
      hint: "Write it like SIGTERM, SIGRTMIN+3 or 15",
    });
  return { ...config, stopSignal: text };
}

function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= MAX_SIGNAL;
  const name = text.toUpperCase().replace(/^SIG/, "");
  const [, realtime] = /^(?:RTMIN|RTMAX)(?:[+-](\d{1,2}))?$/.exec(name) ?? [];
  if (realtime !== undefined) return Number(realtime) <= MAX_SIGNAL / 2;
  return name === "RTMIN" || name === "RTMAX" || `SIG${name}` in constants.signals;
}
