// What people see of a build: a line a step, the output of RUN below it, and how long it took.
import type { Progress } from "../../base/progress.ts";
import { formatSize } from "../../base/size.ts";
import type { BuildEvent, Step } from "../../build/index.ts";

export interface BuildPrinterOptions {
  /** Steps of several stages or platforms may be on their way at once. */
  readonly isParallel: boolean;
  readonly isMultiPlatform: boolean;
}

export function buildPrinter(progress: Progress, options: BuildPrinterOptions): (event: BuildEvent) => void {
  return (event) => {
    const head = heading(event.step, options.isMultiPlatform);
    const text = textOf(event, head, options.isParallel);
    if (text !== undefined) progress.note?.(text, event);
  };
}

function textOf(event: BuildEvent, head: string, isParallel: boolean): string | undefined {
  switch (event.type) {
    case "step":
      return `${head} ${event.step.text}`;
    case "output":
      return isParallel ? `${head} ${event.text}` : event.text;
    case "done": {
      const { cached, layerBytes, seconds } = event.result;
      if (cached) return `${head} CACHED`;
      // What takes no time needs no second line.
      if (layerBytes === 0 && seconds < 0.1) return undefined;
      return `${head} ${seconds.toFixed(1)} s${layerBytes === 0 ? "" : `, ${formatSize(layerBytes)}`}`;
    }
  }
}

/** "[builder 2/5]", "[linux/arm64 builder 2/5]". */
function heading({ platform, stage, number, of }: Step, isMultiPlatform: boolean): string {
  return `[${isMultiPlatform ? `${platform} ` : ""}${/^\d+$/.test(stage) ? `stage-${stage}` : stage} ${number}/${of}]`;
}
