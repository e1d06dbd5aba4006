// The key of a step: a digest of everything that its layer is made of. Names of secrets are part of it, their values never.
// See docs/formats/build-cache.md.
import { digestHex, digestOf } from "../../base/digest.ts";
import type { JsonObject } from "../json.ts";
import type { StageState } from "../state.ts";

/** Changes whenever a step of the same key would make another layer. */
const VERSION = 2;

export interface StepInputs {
  readonly kind: "RUN" | "COPY" | "ADD" | "WORKDIR";
  readonly before: StageState;
  readonly platform: string;
  readonly epochSeconds: number | undefined;
  /** What the instruction itself says, variables expanded. */
  readonly own: JsonObject;
}

/** 64 hexadecimal digits. */
export function stepKey({ kind, before, platform, epochSeconds, own }: StepInputs): string {
  const { user, workingDir, volumes } = before.config;
  return hashJson({
    version: VERSION,
    kind,
    platform,
    parent: before.root.layers.map(({ diffId }) => diffId),
    // Directories that the step makes if they are missing, and whose they are.
    user,
    workingDir,
    volumes,
    epochSeconds: epochSeconds ?? null,
    ...own,
  });
}

export function hashJson(value: JsonObject): string {
  return digestHex(digestOf(Buffer.from(JSON.stringify(value))));
}
