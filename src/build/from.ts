// FROM: the state that a stage starts with: an image, an earlier stage, a context that is an image, or nothing at all.
import { parseInstruction, type Instruction } from "./containerfile/index.ts";
import { environmentOf, SCRATCH, startConfig } from "./config.ts";
import { BuildError } from "./error.ts";
import { isRecord, type JsonObject, stringOf } from "./json.ts";
import type { Stage } from "./plan.ts";
import type { BuildRequest, BuildServices } from "./request.ts";
import type { StageState } from "./state.ts";
import type { Workshop } from "./workshop.ts";

export interface StageStart {
  readonly state: StageState;
  /** ONBUILD instructions of the base: they come first. */
  readonly triggers: readonly Instruction[];
}

const NEW = { args: new Map<string, string>(), hasOwnCmd: false } as const;

/** Throws BuildError, OciError, and what opening an image throws. */
export async function startStage(
  stage: Stage,
  request: BuildRequest,
  services: BuildServices,
  workshop: Workshop,
  stageState: (index: number) => Promise<StageState>,
): Promise<StageStart> {
  const { base } = stage;
  switch (base.kind) {
    case "scratch":
      return fromScratch(stage, workshop);
    case "stage":
      return fromStage(await stageState(base.index));
    case "image":
      return fromImage(stage, base.reference, services, workshop);
    case "context": {
      const context = request.contexts.get(base.name);
      if (context?.kind === "image") return fromImage(stage, context.reference, services, workshop);
      throw new BuildError("BAD_VALUE", `cannot start from the build context ${base.name}: it is a directory`, {
        hint: `Give an image: --build-context ${base.name}=docker-image://NAME`,
      });
    }
  }
}

function fromScratch({ platform }: Stage, workshop: Workshop): StageStart {
  const { os, architecture, variant } = platform;
  const base = {
    image: undefined,
    name: undefined,
    platform: { architecture, ...(variant === undefined ? {} : { variant }), os },
  };
  const root = workshop.root([]);
  return {
    state: { ...NEW, base, root, config: startConfig(SCRATCH).config, author: undefined, history: [] },
    triggers: [],
  };
}

async function fromImage(
  { platform }: Stage,
  reference: string,
  services: BuildServices,
  workshop: Workshop,
): Promise<StageStart> {
  const { image, name } = await services.openBase(reference, platform);
  const { json } = image.config;
  const { config, triggers } = startConfig(isRecord(json["config"]) ? json["config"] : {});
  const root = workshop.root(image.layers);
  const base = { image, name, platform: platformFields(json) };
  const state = { ...NEW, base, root, config, author: stringOf(json, "author"), history: [] };
  return { state, triggers: triggers.map((text) => parseInstruction(text, `ONBUILD of ${reference}`)) };
}

/** What the stage set is inherited now, its arguments too. */
function fromStage(state: StageState): StageStart {
  const { config } = state;
  const triggers = config.onBuild.map((text) => parseInstruction(text, "ONBUILD"));
  const inheritedEnv = environmentOf(config);
  return {
    state: { ...state, hasOwnCmd: false, config: { ...config, inheritedEnv, ownEnv: new Map(), onBuild: [] } },
    triggers,
  };
}

function platformFields(json: JsonObject): JsonObject {
  const names = ["architecture", "variant", "os", "os.version", "os.features"];
  return Object.fromEntries(names.flatMap((name) => (json[name] === undefined ? [] : [[name, json[name]]])));
}
