// How progress looks on standard error: a live line with bytes, rate and time left on a terminal (`auto`), a line a
// stage (`plain`), JSON lines (`json`), or nothing (`none`).
import type { Progress, Stage } from "../../base/progress.ts";
import { formatSize } from "../../base/size.ts";

export type ProgressMode = "auto" | "plain" | "json" | "none";
export const PROGRESS_MODES: readonly ProgressMode[] = ["auto", "plain", "json", "none"];

export interface ProgressOutput {
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

export interface Timings {
  /** Seconds by stage, in order of their ends. */
  readonly seconds: Readonly<Record<string, number>>;
}

const REDRAW_MS = 100;

/** A Progress that prints, and the seconds of each stage that it has seen. */
export function createProgress(mode: ProgressMode, output: ProgressOutput): Progress & Timings {
  const seconds: Record<string, number> = {};
  const live = mode === "auto" && output.isTerminal;
  const printer =
    mode === "none"
      ? SILENT
      : mode === "json"
        ? jsonPrinter(output)
        : live
          ? livePrinter(output)
          : plainPrinter(output);
  return {
    seconds,
    warn: (message) => printer.warn(message),
    stage: (name, totalBytes) => {
      const startedMs = output.now();
      let doneBytes = 0;
      printer.update({ name, totalBytes, doneBytes, elapsedMs: 0, finished: false });
      const stage: Stage = {
        advance: (bytes) => {
          doneBytes += bytes;
          printer.update({ name, totalBytes, doneBytes, elapsedMs: output.now() - startedMs, finished: false });
        },
        done: () => {
          const elapsedMs = output.now() - startedMs;
          seconds[name] = (seconds[name] ?? 0) + Math.round(elapsedMs) / 1000;
          printer.update({ name, totalBytes, doneBytes, elapsedMs, finished: true });
        },
      };
      return stage;
    },
  };
}

interface StageState {
  readonly name: string;
  readonly totalBytes: number | undefined;
  readonly doneBytes: number;
  readonly elapsedMs: number;
  readonly finished: boolean;
}

interface Printer {
  update(state: StageState): void;
  warn(message: string): void;
}

const SILENT: Printer = { update: () => undefined, warn: () => undefined };

function jsonPrinter(output: ProgressOutput): Printer {
  let lastMs = Number.NEGATIVE_INFINITY;
  const line = (value: object): void => output.write(`${JSON.stringify(value)}\n`);
  return {
    warn: (message) => line({ warning: message }),
    update: (state) => {
      const due = state.finished || output.now() - lastMs >= REDRAW_MS;
      if (!due) return;
      lastMs = output.now();
      line({
        stage: state.name,
        bytes: state.doneBytes,
        totalBytes: state.totalBytes ?? null,
        seconds: state.elapsedMs / 1000,
        done: state.finished,
      });
    },
  };
}

function plainPrinter(output: ProgressOutput): Printer {
  return {
    warn: (message) => output.write(`warning: ${message}\n`),
    update: (state) => {
      if (state.finished) output.write(`${describe(state)}\n`);
    },
  };
}

function livePrinter(output: ProgressOutput): Printer {
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    warn: (message) => output.write(`\r\x1b[Kwarning: ${message}\n`),
    update: (state) => {
      if (!state.finished && output.now() - lastMs < REDRAW_MS) return;
      lastMs = output.now();
      output.write(`\r\x1b[K${describe(state)}${state.finished ? "\n" : ""}`);
    },
  };
}

/** "write  312 MiB / 490 MiB  64 %  820 MiB/s  0:01 left". */
function describe(state: StageState): string {
  const parts = [state.name.padEnd(10)];
  const total = state.totalBytes;
  const rate = state.elapsedMs > 0 ? (state.doneBytes / state.elapsedMs) * 1000 : 0;
  if (state.doneBytes > 0) {
    const percent =
      total !== undefined && total > 0 && !state.finished
        ? `  ${Math.min(100, Math.floor((state.doneBytes / total) * 100))} %`
        : "";
    parts.push(
      `${formatSize(state.doneBytes)}${total === undefined || state.finished ? "" : ` / ${formatSize(total)}`}${percent}`,
    );
    if (rate > 0) parts.push(`${formatSize(rate)}/s`);
  }
  if (state.finished) parts.push(`${(state.elapsedMs / 1000).toFixed(1)} s`);
  else if (total !== undefined && rate > 0 && state.doneBytes < total)
    parts.push(`${clock((total - state.doneBytes) / rate)} left`);
  return parts.join("  ");
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
