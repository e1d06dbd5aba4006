// How long work tells where it is. Libraries report stages and bytes; only cli/print decides what a person sees.

export interface Stage {
  /** More bytes of this stage are done. */
  advance(bytes: number): void;
  /** The stage is over; its duration goes into the result. `outcome` says what came of it: "already there". */
  done(outcome?: string): void;
}

export interface Progress {
  /**
   * Starts a stage. `totalBytes` is the best guess; undefined when nothing can be said. Stages may run side by side:
   * `part` tells those of one name apart.
   */
  stage(name: string, totalBytes?: number, part?: string): Stage;
  /** Something the user should know that is not an error. Printed once. */
  warn(message: string): void;
  /** A line of what is being done, such as a program's output; `event` is the same for machines. */
  note?(text: string, event: object): void;
}

const NO_STAGE: Stage = { advance: () => undefined, done: () => undefined };

export const NO_PROGRESS: Progress = { stage: () => NO_STAGE, warn: () => undefined };

/** Runs a step as a stage of its own. */
export async function inStage<T>(
  progress: Progress,
  name: string,
  totalBytes: number | undefined,
  step: (stage: Stage) => Promise<T> | T,
): Promise<T> {
  const stage = progress.stage(name, totalBytes);
  const result = await step(stage);
  stage.done();
  return result;
}
