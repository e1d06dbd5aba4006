// What a step is given: the build around it, and where it stands in it.
import { formatPlatform, type ImageLayer, type Platform } from "../../oci/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { type StepCache, stepKey, type StepInputs } from "../cache/index.ts";
import type { Containerfile } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { BuildPlan, Stage } from "../plan.ts";
import type { BuildRequest, BuildServices, Step } from "../request.ts";
import type { Root } from "../root/index.ts";
import type { Sources } from "../sources.ts";
import type { Expand, StageState } from "../state.ts";
import type { StageDisk, Workshop } from "../workshop.ts";

export interface StepContext {
  readonly containerfile: Containerfile;
  readonly request: BuildRequest;
  readonly services: BuildServices;
  readonly plan: BuildPlan;
  readonly stage: Stage;
  readonly step: Step;
  /** Of the image that is built. */
  readonly platform: Platform;
  /** Undefined with `--no-cache`: nothing is looked up; what is made is kept all the same. */
  readonly known: StepCache | undefined;
  readonly cache: StepCache;
  /** Steps that this build makes or has made, by key. */
  readonly underWay: Map<string, Promise<StepOutcome>>;
  readonly sources: Sources;
  readonly workshop: Workshop;
  readonly disk: StageDisk;
  /** No RUN of the stage follows this step. */
  readonly isLastRun: boolean;
  readonly expand: Expand;
  readonly expandWords: (text: string) => string[];
}

export interface StepOutcome {
  readonly root: Root;
  readonly layer: ImageLayer | undefined;
  readonly cached: boolean;
  /** For the history of COPY and ADD. */
  readonly content?: string;
}

/**
 * The layer of a step of this key: from an earlier build, from another stage or platform of this one that came to it
 * first, or made now.
 */
export async function onceABuild(
  context: StepContext,
  before: StageState,
  key: string,
  make: () => Promise<StepOutcome>,
): Promise<StepOutcome> {
  const known = await context.known?.step(key);
  const other = known ?? context.underWay.get(key);
  if (other === undefined) {
    const made = make();
    context.underWay.set(key, made);
    return made;
  }
  const { layer } = await other;
  if (known !== undefined && layer !== undefined) await searchAgain(context, layer);
  const root = layer === undefined ? before.root : context.workshop.root([...before.root.layers, layer]);
  return { root, layer, cached: true };
}

/** The build that made this layer may not have known today's secrets. Throws BuildError SECRET_LEAKED. */
async function searchAgain({ request, services, step }: StepContext, layer: ImageLayer): Promise<void> {
  if (request.secrets.length === 0) return;
  const { assertNoLeaks, findLeaks } = await import("../secrets/index.ts");
  const { images, cache } = services.local;
  using open = await cache.open(images, layer, { signal: services.signal });
  assertNoLeaks(await findLeaks(open.entries, request.secrets), step.text);
}

/** What decides of a step's layer; `own`: what its instruction says. */
export function keyOf(
  { request, platform }: StepContext,
  before: StageState,
  kind: StepInputs["kind"],
  own: StepInputs["own"],
): string {
  const { epochSeconds } = request;
  return stepKey({ kind, before, platform: formatPlatform(platform), epochSeconds, own });
}

/** `keepLayer` for a step that runs nothing: the root on disk follows. */
export async function addLayer(
  context: StepContext,
  before: StageState,
  key: string,
  entries: readonly LayerEntry[],
): Promise<StepOutcome> {
  const kept = await keepLayer(context, before, key, entries);
  if (kept.built !== undefined) await context.disk.follow(before.root, kept.root, kept.built);
  return kept;
}

/** Makes the layer and remembers it, unless a secret is in it. Throws BuildError SECRET_LEAKED. */
export async function keepLayer(
  context: StepContext,
  before: StageState,
  key: string,
  entries: readonly LayerEntry[],
): Promise<StepOutcome & { readonly built: Awaited<ReturnType<Root["add"]>>["layer"] }> {
  const { request, services } = context;
  if (request.secrets.length > 0) {
    const { assertNoLeaks, findLeaks } = await import("../secrets/index.ts");
    assertNoLeaks(await findLeaks(entries, request.secrets), context.step.text);
  }
  const { epochSeconds } = request;
  const options = { signal: services.signal, ...(epochSeconds === undefined ? {} : { epochSeconds }) };
  const { root, layer: built } = await before.root.add(entries, options);
  await context.cache.keepStep(key, built?.image);
  return { root, layer: built?.image, cached: false, built };
}

/** A word that has to have something in it. */
export function required(text: string, what: string): string {
  if (text !== "") return text;
  throw new BuildError("BAD_VALUE", `${what} is empty: its variables are not set`, {
    hint: "Give the variable a value with ARG, ENV or --build-arg",
  });
}
