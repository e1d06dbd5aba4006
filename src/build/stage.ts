// One stage from its FROM to its last instruction: each step changes the state, is told on its way, and leaves a line of
// history. What only one kind of step needs is loaded when there is one.
import { SlipwayError } from "../base/errors.ts";
import { declareArguments } from "./arguments.ts";
import type { StepCache } from "./cache/index.ts";
import { type Containerfile, type Instruction, located, splitWords, type Variables } from "./containerfile/index.ts";
import { BuildError, type BuildErrorCode } from "./error.ts";
import { startStage } from "./from.ts";
import { createdBy } from "./history.ts";
import type { BuildPlan, Stage } from "./plan.ts";
import type { BuildRequest, BuildServices, Step, StepResult } from "./request.ts";
import type { Sources } from "./sources.ts";
import { expanderOf, type StageState, variablesOf } from "./state.ts";
import type { StepContext, StepOutcome } from "./steps/context.ts";
import { applyMetadata } from "./steps/metadata.ts";
import { workdir } from "./steps/workdir.ts";
import { StageDisk, type Workshop } from "./workshop.ts";

export interface StageRun {
  readonly containerfile: Containerfile;
  readonly request: BuildRequest;
  readonly services: BuildServices;
  readonly plan: BuildPlan;
  readonly platformName: string;
  readonly cache: StepCache;
  readonly underWay: StepContext["underWay"];
  readonly sources: Sources;
  readonly workshop: Workshop;
  readonly stageState: (index: number) => Promise<StageState>;
  readonly onStep: (result: StepResult) => void;
}

/** The stage's last state. Throws BuildError, and what its steps throw. */
export async function runStage(run: StageRun, stage: Stage): Promise<StageState> {
  const { services, request } = run;
  using disk = new StageDisk(run.workshop);
  const of = 1 + stage.instructions.length;
  const step = { platform: run.platformName, stage: stage.name, number: 1, of, text: oneLine(stage.from.text) };
  const { state: first, triggers } = await inStep(run, step, async () => {
    const start = await placed(run.containerfile, stage.from, () =>
      startStage(stage, request, services, run.workshop, run.stageState),
    );
    return { value: start, cached: false, layerBytes: 0 };
  });
  let state = first;
  const instructions = [...triggers, ...stage.instructions];
  const lastRun = instructions.findLastIndex(({ kind }) => kind === "RUN");
  for (const [index, instruction] of instructions.entries()) {
    services.signal.throwIfAborted();
    const before = state;
    const each = { ...step, number: index + 2, of: 1 + instructions.length, text: oneLine(instruction.text) };
    const file = index < triggers.length ? undefined : run.containerfile;
    state = await inStep(run, each, () =>
      placed(file, instruction, () =>
        perform({ ...run, stage, step: each, disk, isLastRun: index >= lastRun }, before, instruction),
      ),
    );
  }
  return state;
}

interface Performed<T> {
  readonly value: T;
  readonly cached: boolean;
  readonly layerBytes: number;
}

async function inStep<T>(run: StageRun, step: Step, work: () => Promise<Performed<T>>): Promise<T> {
  const { report, nowMs } = run.services;
  const startedMs = nowMs();
  report({ type: "step", step });
  const { value, cached, layerBytes } = await work();
  const result = { ...step, seconds: Math.round(nowMs() - startedMs) / 1000, cached, layerBytes };
  run.onStep(result);
  report({ type: "done", step, result });
  return value;
}

async function perform(
  run: StageRun & Pick<StepContext, "stage" | "step" | "disk" | "isLastRun">,
  before: StageState,
  instruction: Instruction,
): Promise<Performed<StageState>> {
  const { escape } = run.containerfile.directives;
  const expand = expanderOf(before, escape);
  const expandWords = (text: string): string[] => splitWords(text, variablesOf(before), { escape });
  const context: StepContext = {
    ...run,
    platform: run.stage.platform,
    known: run.request.useCache ? run.cache : undefined,
    expand,
    expandWords,
  };
  switch (instruction.kind) {
    case "FROM":
      throw new BuildError("SYNTAX", "FROM cannot stand here");
    case "RUN":
      return layerStep(instruction, before, await (await import("./steps/run.ts")).run(context, before, instruction));
    case "COPY":
    case "ADD":
      return layerStep(instruction, before, await (await import("./steps/copy.ts")).copy(context, before, instruction));
    case "ARG": {
      const sources = {
        given: run.request.args,
        platform: run.stage.platformArguments,
        global: run.plan.globalArguments,
      };
      const variablesAfter = (args: StageState["args"]): Variables => variablesOf({ ...before, args });
      const args = declareArguments(before.args, instruction, sources, variablesAfter, escape);
      return metadataStep(instruction, { ...before, args });
    }
    case "WORKDIR": {
      const after = { ...before, config: workdir(before.config, instruction, expand) };
      if (after.config.workingDir === "/") return metadataStep(instruction, after);
      return layerStep(instruction, after, await (await import("./steps/make-workdir.ts")).makeWorkdir(context, after));
    }
    default:
      return metadataStep(instruction, applyMetadata(before, instruction, expand, expandWords));
  }
}

function metadataStep(instruction: Instruction, after: StageState): Performed<StageState> {
  const line = { createdBy: createdBy(instruction, after), emptyLayer: true };
  return { value: addHistory(after, line), cached: false, layerBytes: 0 };
}

function layerStep(instruction: Instruction, before: StageState, outcome: StepOutcome): Performed<StageState> {
  const { root, layer, cached, content } = outcome;
  const line = { createdBy: createdBy(instruction, before, content), emptyLayer: layer === undefined };
  return { value: addHistory({ ...before, root }, line), cached, layerBytes: layer?.descriptor.sizeBytes ?? 0 };
}

/** The first line after a base image names it. */
export function addHistory(
  state: StageState,
  line: { readonly createdBy: string; readonly emptyLayer: boolean },
): StageState {
  const { author, base, history } = state;
  const comment = history.length === 0 && base.name !== undefined ? { comment: `FROM ${base.name}` } : {};
  return { ...state, history: [...history, { ...line, ...comment, ...(author === undefined ? {} : { author }) }] };
}

/** Of other areas: what is wrong with the name of an image. */
const NAMING_ERRORS: Readonly<Record<string, BuildErrorCode>> = {
  NOT_FOUND: "NOT_FOUND",
  UNKNOWN_SHORT_NAME: "NOT_FOUND",
  NO_PLATFORM: "NOT_FOUND",
  AMBIGUOUS: "BAD_VALUE",
  AMBIGUOUS_SHORT_NAME: "BAD_VALUE",
  BAD_REFERENCE: "BAD_VALUE",
};

/** Errors that say nothing of the place in the Containerfile get it, if they are about what stands there. */
async function placed<T>(
  file: Containerfile | undefined,
  { at }: Pick<Instruction, "at">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (file === undefined || !(error instanceof SlipwayError) || error.message.startsWith(`${file.path}:`))
      throw error;
    const code = error instanceof BuildError ? error.code : NAMING_ERRORS[error.code];
    if (code === undefined) throw error;
    throw new BuildError(code, located(file, at, error.message), {
      cause: error,
      data: error.data,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

const MAX_STEP_CHARACTERS = 200;

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= MAX_STEP_CHARACTERS ? line : `${line.slice(0, MAX_STEP_CHARACTERS)}…`;
}
