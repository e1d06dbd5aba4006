// How progress looks on standard error: a live bar for each running stage with bytes, rate and time left on a
// terminal (`auto`), a line a stage (`plain`), JSON lines (`json`), or nothing (`none`).
import type { Progress, Stage } from "../../base/progress.ts";
import { formatSize } from "../../base/size.ts";

export type ProgressMode = "auto" | "plain" | "json" | "none";
export const PROGRESS_MODES: readonly ProgressMode[] = ["auto", "plain", "json", "none"];

export interface ProgressOutput {
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Width of the terminal. */
  readonly columns?: () => number;
}

export interface Timings {
  /** Seconds by stage, in order of their ends. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Takes away the bars of stages that will not finish: something else is going to be printed. */
  readonly close: () => void;
}

const REDRAW_MS = 100;

/** A Progress that prints, and the seconds of each stage that it has seen. */
export function createProgress(mode: ProgressMode, output: ProgressOutput): Progress & Timings {
  const seconds: Record<string, number> = {};
  const printer = printerOf(mode, output);
  let started = 0;
  return {
    seconds,
    warn: (message) => printer.warn(message),
    note: (text, event) => printer.note(text, event),
    close: () => printer.close?.(),
    stage: (name, totalBytes, part) => {
      const startedMs = output.now();
      const id = started++;
      let doneBytes = 0;
      const state = (outcome?: string): StageState => ({
        id,
        name,
        part,
        totalBytes,
        doneBytes,
        elapsedMs: output.now() - startedMs,
        outcome,
      });
      printer.update(state(), false);
      const stage: Stage = {
        advance: (bytes) => {
          doneBytes += bytes;
          printer.update(state(), false);
        },
        done: (outcome) => {
          const last = state(outcome);
          seconds[name] = (seconds[name] ?? 0) + Math.round(last.elapsedMs) / 1000;
          printer.update(last, true);
        },
      };
      return stage;
    },
  };
}

interface StageState {
  readonly id: number;
  readonly name: string;
  readonly part: string | undefined;
  readonly totalBytes: number | undefined;
  readonly doneBytes: number;
  readonly elapsedMs: number;
  readonly outcome: string | undefined;
}

interface Printer {
  update(state: StageState, finished: boolean): void;
  warn(message: string): void;
  note(text: string, event: object): void;
  close?(): void;
}

const SILENT: Printer = { update: () => undefined, warn: () => undefined, note: () => undefined };

function printerOf(mode: ProgressMode, output: ProgressOutput): Printer {
  if (mode === "none") return SILENT;
  if (mode === "json") return jsonPrinter(output);
  return mode === "auto" && output.isTerminal ? livePrinter(output) : plainPrinter(output);
}

function jsonPrinter(output: ProgressOutput): Printer {
  const lastMs = new Map<number, number>();
  const line = (value: object): void => output.write(`${JSON.stringify(value)}\n`);
  return {
    warn: (message) => line({ warning: message }),
    note: (_text, event) => line(event),
    update: (state, finished) => {
      if (!finished && output.now() - (lastMs.get(state.id) ?? Number.NEGATIVE_INFINITY) < REDRAW_MS) return;
      if (finished) lastMs.delete(state.id);
      else lastMs.set(state.id, output.now());
      line({
        stage: state.name,
        ...(state.part === undefined ? {} : { part: state.part }),
        bytes: state.doneBytes,
        totalBytes: state.totalBytes ?? null,
        seconds: state.elapsedMs / 1000,
        ...(state.outcome === undefined ? {} : { outcome: state.outcome }),
        done: finished,
      });
    },
  };
}

function plainPrinter(output: ProgressOutput): Printer {
  return {
    warn: (message) => output.write(`warning: ${message}\n`),
    note: (text) => output.write(`${text}\n`),
    update: (state, finished) => {
      if (finished) output.write(`${describe(state, true)}\n`);
    },
  };
}

/** More bars than this would scroll. */
const MOST_BARS = 8;
/** Of a terminal that does not know its width. */
const USUAL_COLUMNS = 120;

/** The stages that run, a line each, redrawn in place; what is finished stays above them. */
function livePrinter(output: ProgressOutput): Printer {
  let lastMs = Number.NEGATIVE_INFINITY;
  let drawn = 0;
  const running = new Map<number, StageState>();
  const draw = (above: string): void => {
    const known = output.columns?.() ?? 0;
    const columns = known > 0 ? known : USUAL_COLUMNS;
    const bars = [...running.values()]
      .slice(0, MOST_BARS)
      .map((state) => describe(state, false, bar(state)).slice(0, columns - 1));
    const up = drawn > 1 ? `\x1b[${drawn - 1}A` : "";
    output.write(`\r${up}\x1b[J${above}${bars.join("\n")}`);
    drawn = bars.length;
    lastMs = output.now();
  };
  return {
    warn: (message) => draw(`warning: ${message}\n`),
    note: (text) => draw(`${text}\n`),
    update: (state, finished) => {
      if (finished) {
        running.delete(state.id);
        draw(`${describe(state, true)}\n`);
        return;
      }
      running.set(state.id, state);
      if (output.now() - lastMs >= REDRAW_MS) draw("");
    },
    close: () => {
      running.clear();
      if (drawn > 0) draw("");
    },
  };
}

const BAR_WIDTH = 20;

function bar({ totalBytes, doneBytes }: StageState): string | undefined {
  if (totalBytes === undefined || totalBytes === 0) return undefined;
  const full = Math.min(BAR_WIDTH, Math.floor((doneBytes / totalBytes) * BAR_WIDTH));
  const head = full < BAR_WIDTH ? ">" : "";
  return `[${"=".repeat(full)}${head}${"-".repeat(BAR_WIDTH - full - head.length)}]`;
}

/** "write  [======>-----]  312 MiB / 490 MiB  64 %  820 MiB/s  0:01 left". */
function describe(state: StageState, finished: boolean, bar?: string): string {
  const { name, part, totalBytes: total, doneBytes, elapsedMs, outcome } = state;
  const parts = [part === undefined ? name.padEnd(10) : `${name} ${part}`, ...(bar === undefined ? [] : [bar])];
  if (outcome !== undefined) return [...parts, outcome].join("  ");
  const rate = elapsedMs > 0 ? (doneBytes / elapsedMs) * 1000 : 0;
  if (doneBytes > 0) {
    const percent =
      total !== undefined && total > 0 && !finished
        ? `  ${Math.min(100, Math.floor((doneBytes / total) * 100))} %`
        : "";
    parts.push(`${formatSize(doneBytes)}${total === undefined || finished ? "" : ` / ${formatSize(total)}`}${percent}`);
    if (rate > 0) parts.push(`${formatSize(rate)}/s`);
  }
  if (finished) parts.push(`${(elapsedMs / 1000).toFixed(1)} s`);
  else if (total !== undefined && rate > 0 && doneBytes < total)
    parts.push(`${clock((total - doneBytes) / rate)} left`);
  return parts.join("  ");
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
