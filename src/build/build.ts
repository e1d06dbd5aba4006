// A Containerfile to an image in the local store, or to an index of one image a platform. Nothing gets a name here.
import { join } from "node:path";
import { formatPlatform, type Platform } from "../oci/index.ts";
import { PROXY_ARGS, platformArguments } from "./arguments.ts";
import { StepCache } from "./cache/index.ts";
import { type Containerfile, warningsOf } from "./containerfile/index.ts";
import type { ContentDigests } from "./copy/index.ts";
import { writeImage } from "./image.ts";
import { writeIndex } from "./image-index.ts";
import { type BuildPlan, planBuild, type Stage } from "./plan.ts";
import type { BuildRequest, BuildResult, BuildServices, BuiltImage, StepResult } from "./request.ts";
import { Sources } from "./sources.ts";
import { addHistory, runStage, type StageRun } from "./stage.ts";
import type { StageState } from "./state.ts";
import { Workshop } from "./workshop.ts";

/** What the platforms of one build share. */
interface Shared {
  readonly request: BuildRequest;
  readonly services: BuildServices;
  readonly cache: StepCache;
  readonly underWay: StageRun["underWay"];
  readonly workshop: Workshop;
  readonly digests: () => Promise<ContentDigests>;
  /** Ends everything that runs. */
  readonly failed: AbortController;
}

/** Throws BuildError, OciError, and what steps throw; then no image is left, only layers that `prune` removes. */
export async function buildImage(request: BuildRequest, given: BuildServices): Promise<BuildResult> {
  // The first failure ends what runs beside it.
  const failed = new AbortController();
  const services = { ...given, signal: AbortSignal.any([given.signal, failed.signal]) };
  // All of them are planned before the first one is built.
  const plans = request.platforms.map((platform) => planFor(request, platform));
  const cache = await StepCache.open(services.local.directory, services.local.images);
  await using workshop = new Workshop(request, services);
  let digests: Promise<ContentDigests> | undefined;
  const shared: Shared = {
    request,
    services,
    cache,
    underWay: new Map(),
    workshop,
    failed,
    digests: () => (digests ??= openDigests(services)),
  };
  const images = await allOrNone(
    failed,
    plans.map((plan, index) => () => buildPlatform(shared, plan, request.platforms[index] as Platform)),
    false,
  );
  await (await digests)?.save();
  const [only] = images;
  const descriptor =
    images.length === 1 && only !== undefined ? only.descriptor : await writeIndex(images, services.local.images);
  return { descriptor, images };
}

export function planFor(request: BuildRequest, platform: Platform): BuildPlan {
  const { containerfile, args, buildPlatform, target } = request;
  const contexts = new Set(request.contexts.keys());
  const options = { given: args, platform, buildPlatform, contexts };
  return planBuild(containerfile, target === undefined ? options : { ...options, target });
}

async function buildPlatform(shared: Shared, plan: BuildPlan, platform: Platform): Promise<BuiltImage> {
  const { request, services, cache, workshop } = shared;
  const states = new Map<number, Promise<StageState>>();
  const steps: StepResult[] = [];
  const stageState = (index: number): Promise<StageState> => {
    const state = states.get(index) ?? runStage(run, plan.all[index] as Stage);
    states.set(index, state);
    // Whoever needs the stage hears of a failure, and so does the build.
    state.catch(() => undefined);
    return state;
  };
  const sources = new Sources(
    request,
    services,
    workshop,
    async (index) => (await stageState(index)).root,
    shared.digests,
  );
  const run: StageRun = {
    containerfile: request.containerfile,
    request,
    services,
    plan,
    cache,
    underWay: shared.underWay,
    sources,
    workshop,
    stageState,
    platformName: formatPlatform(platform),
    onStep: (result: StepResult) => void steps.push(result),
  };
  const works = plan.stages.map(
    ({ index }) =>
      () =>
        stageState(index),
  );
  const built = await allOrNone(shared.failed, works, request.jobs === 1);
  const last = withLabels(built.at(-1) as StageState, request);
  const written = await writeImage(last, request, services, cache, workshop);
  return { platform, ...written, steps };
}

/** Together, or in order: later stages need earlier ones, never the other way. */
async function allOrNone<T>(
  failed: AbortController,
  works: readonly (() => Promise<T>)[],
  inOrder: boolean,
): Promise<T[]> {
  const results: Promise<T>[] = [];
  try {
    for (const work of works) {
      const result = work();
      results.push(result);
      if (inOrder) await result;
    }
    return await Promise.all(results);
  } catch (error) {
    // The first one is what went wrong: the others end because of it.
    failed.abort(error);
    await Promise.allSettled(results);
    failed.signal.throwIfAborted();
    throw error;
  }
}

/** `--label`, as one more instruction. */
function withLabels(state: StageState, { labels }: BuildRequest): StageState {
  if (labels.size === 0) return state;
  const text = [...labels].map(([key, value]) => ` ${JSON.stringify(key)}=${JSON.stringify(value)}`).join("");
  const config = { ...state.config, labels: new Map([...state.config.labels, ...labels]) };
  return addHistory({ ...state, config }, { createdBy: `/bin/sh -c #(nop) LABEL${text}`, emptyLayer: true });
}

async function openDigests({ local }: BuildServices): Promise<ContentDigests> {
  const { ContentDigests } = await import("./copy/index.ts");
  return ContentDigests.open(join(local.directory, "build", "context-digests"));
}

/** What is no mistake for sure, but probably one. */
export function buildWarnings({ containerfile, args, buildPlatform }: BuildRequest): string[] {
  const platformNames = platformArguments(buildPlatform, buildPlatform).keys();
  const known = new Set([...declaredNames(containerfile), ...PROXY_ARGS, ...platformNames]);
  const unused = [...args.keys()].filter((name) => !known.has(name)).sort();
  return [
    ...unused.map((name) => `--build-arg ${name} is not used: no ARG of ${containerfile.path} declares it`),
    ...warningsOf(containerfile).map(({ at, message }) => `${containerfile.path}:${at.line}:${at.column}: ${message}`),
  ];
}

function declaredNames({ instructions }: Containerfile): Set<string> {
  return new Set(
    instructions.flatMap((each) => {
      const instruction = each.kind === "ONBUILD" ? each.instruction : each;
      return instruction.kind === "ARG" ? instruction.args.map(({ name }) => name) : [];
    }),
  );
}
