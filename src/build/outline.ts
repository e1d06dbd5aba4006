// What a build would do, for `--dry-run`: stages with their bases, steps with what they mount, and the secrets that are wanted.
// Variables are shown as they are written where only the build can know them.
import { posix } from "node:path";
import type { Instruction, RunMount } from "./containerfile/index.ts";
import type { Origin, Stage } from "./plan.ts";

export interface StageOutline {
  readonly name: string;
  /** `image NAME`, `stage NAME`, `context NAME` or `scratch`. */
  readonly base: string;
  readonly steps: readonly StepOutline[];
}

export interface StepOutline {
  readonly text: string;
  /** `secret token`, `cache /var/cache/apt`, `bind /in`, … */
  readonly mounts: readonly string[];
}

export interface SecretOutline {
  readonly id: string;
  readonly isRequired: boolean;
  readonly isGiven: boolean;
}

export function outlineStages(stages: readonly Stage[]): StageOutline[] {
  const nameOf = (index: number): string => stages.find((stage) => stage.index === index)?.name ?? String(index);
  return stages.map(({ name, base, from, instructions }) => ({
    name,
    base: describeOrigin(base, nameOf),
    steps: [from, ...instructions].map((step) => ({
      text: step.text.replaceAll(/\s+/g, " ").trim(),
      mounts: mountsOf(step).map(({ type, options }) =>
        [type, type === "secret" || type === "ssh" ? idOf({ type, options }) : options.get("target")?.text]
          .filter((part) => part !== undefined)
          .join(" "),
      ),
    })),
  }));
}

/** Every secret that a step mounts, by id. */
export function outlineSecrets(stages: readonly Stage[], given: readonly { readonly id: string }[]): SecretOutline[] {
  const wanted = new Map<string, boolean>();
  for (const mount of stages.flatMap(({ instructions }) => instructions.flatMap(mountsOf))) {
    if (mount.type !== "secret") continue;
    const required = mount.options.get("required")?.text;
    const isRequired = required !== undefined && !/^(?:0|f|false)$/i.test(required);
    wanted.set(idOf(mount), isRequired || wanted.get(idOf(mount)) === true);
  }
  return [...wanted]
    .map(([id, isRequired]) => ({ id, isRequired, isGiven: given.some((secret) => secret.id === id) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function describeOrigin(origin: Origin, nameOf: (index: number) => string): string {
  switch (origin.kind) {
    case "scratch":
      return "scratch";
    case "stage":
      return `stage ${nameOf(origin.index)}`;
    case "context":
      return `context ${origin.name}`;
    case "image":
      return `image ${origin.reference}`;
  }
}

function mountsOf(instruction: Instruction): readonly RunMount[] {
  return instruction.kind === "RUN" ? instruction.mounts : [];
}

/** Without an id the name of the target counts; ssh has `default`. */
function idOf({ type, options }: Pick<RunMount, "type" | "options">): string {
  const id = options.get("id")?.text;
  if (id !== undefined || type === "ssh") return id ?? "default";
  return posix.basename(options.get("target")?.text ?? "");
}
