// From the instructions of a Containerfile to its stages: what each starts from, which other stages it needs, and which
// of them lead to the target. Nothing is opened or built here. Stages are called by name, in any case, or by number.
import { parsePlatform, type Platform } from "../oci/index.ts";
import { type Arguments, declareArguments, platformArguments } from "./arguments.ts";
import {
  type Containerfile,
  expandWord,
  type From,
  type Instruction,
  located,
  type Position,
  type Variables,
  type Word,
} from "./containerfile/index.ts";
import { BuildError } from "./error.ts";

export interface Stage {
  /** Place in the Containerfile. */
  readonly index: number;
  /** Its name in small letters, else its number. */
  readonly name: string;
  readonly from: From;
  readonly base: Origin;
  readonly instructions: readonly Instruction[];
  readonly platform: Platform;
  /** Of its own platform. */
  readonly platformArguments: Arguments;
  /** Indexes of stages that have to be built before. */
  readonly needs: ReadonlySet<number>;
}

/** What a FROM, COPY --from or RUN --mount=from= means. */
export type Origin =
  | { readonly kind: "scratch" }
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "context"; readonly name: string }
  | { readonly kind: "image"; readonly reference: string };

export interface BuildPlan {
  /** Those that the target needs, in the order of the Containerfile; the target is the last. */
  readonly stages: readonly Stage[];
  /** All there are, by index: what triggers of a base image copy from is known only when the base is. */
  readonly all: readonly Stage[];
  readonly globalArguments: Arguments;
  /** What a name means in an instruction of a stage. */
  origin(name: string, stage: Stage, at: Position): Origin;
}

export interface PlanOptions {
  /** The last stage unless told otherwise. */
  readonly target?: string;
  readonly given: Arguments;
  readonly platform: Platform;
  readonly buildPlatform: Platform;
  /** Names of `--build-context`: they win over stages and images. */
  readonly contexts: ReadonlySet<string>;
}

/** Throws BuildError SYNTAX, UNKNOWN_STAGE, BAD_VALUE; OciError BAD_PLATFORM. */
export function planBuild(containerfile: Containerfile, options: PlanOptions): BuildPlan {
  const { head, parts } = split(containerfile);
  const { escape } = containerfile.directives;
  const ownPlatform = new Map(
    [...platformArguments(options.platform, options.buildPlatform)].map(([name, value]) => [
      name,
      options.given.get(name) ?? value,
    ]),
  );
  const variablesAfter =
    (args: Arguments): Variables =>
    (name) =>
      args.get(name) ?? ownPlatform.get(name);
  let globalArguments: Arguments = new Map();
  for (const arg of head) {
    const sources = { given: options.given, platform: ownPlatform, global: new Map<string, string>() };
    globalArguments = declareArguments(globalArguments, arg, sources, variablesAfter, escape);
  }
  const variables = variablesAfter(globalArguments);
  const names = parts.map(({ from }, index) => from.alias ?? String(index));
  const fail = (at: Position, code: "UNKNOWN_STAGE" | "BAD_VALUE", message: string, hint: string): BuildError =>
    new BuildError(code, located(containerfile, at, message), { hint });

  const numberOf = (name: string): number | undefined => (/^\d+$/.test(name) ? Number(name) : undefined);
  /** Of a FROM, for which only earlier stages are there. */
  const baseOf = (name: string, index: number): Origin => {
    if (options.contexts.has(name)) return { kind: "context", name };
    const found = numberOf(name) ?? names.lastIndexOf(name.toLowerCase(), Math.max(index - 1, 0));
    if (index > 0 && found >= 0 && found < index) return { kind: "stage", index: found };
    return { kind: "image", reference: name };
  };
  const originOf = (name: string, index: number, at: Position): Origin => {
    const origin = baseOf(name, index);
    if (origin.kind !== "image") return origin;
    const number = numberOf(name);
    if (number !== undefined || names.includes(name.toLowerCase(), index)) {
      const why =
        number !== undefined && number >= names.length ? "there is no such stage" : "it is not built yet then";
      throw fail(
        at,
        "UNKNOWN_STAGE",
        `stage ${index} cannot use stage ${JSON.stringify(name)}: ${why}`,
        "Move the stage before the one that uses it",
      );
    }
    return origin;
  };

  const known: Arguments[] = [];
  const stages = parts.map(({ from, instructions }, index): Stage => {
    const image = expandWord(from.image, variables, { escape });
    if (image === "")
      throw fail(
        from.at,
        "BAD_VALUE",
        `FROM ${from.image.text} names no image: its variables are empty`,
        "Give the variable a default with ARG before FROM, or a value with --build-arg",
      );
    const base: Origin = image === "scratch" ? { kind: "scratch" } : baseOf(image, index);
    const platform = from.platform === undefined ? "" : expandWord(from.platform, variables, { escape });
    const needs = new Set(base.kind === "stage" ? [base.index] : []);
    const values = new Map(base.kind === "stage" ? known[base.index] : []);
    known.push(values);
    for (const { name, at } of references(instructions, values, variables, options.given, escape)) {
      const origin = originOf(name, index, at);
      if (origin.kind === "stage") needs.add(origin.index);
    }
    const own = platform === "" ? options.platform : parsePlatform(platform);
    return {
      index,
      name: names[index] as string,
      from,
      base,
      instructions,
      platform: own,
      // What is built is still for the target; a stage on another platform is a helper.
      platformArguments: ownPlatform,
      needs,
    };
  });
  return {
    stages: reachable(stages, chooseTarget(names, options.target, containerfile)),
    all: stages,
    globalArguments,
    origin: (name, stage, at) => originOf(name, stage.index, at),
  };
}

interface Part {
  readonly from: From;
  readonly instructions: Instruction[];
}

function split(containerfile: Containerfile): { head: (Instruction & { kind: "ARG" })[]; parts: Part[] } {
  const head: (Instruction & { kind: "ARG" })[] = [];
  const parts: Part[] = [];
  for (const instruction of containerfile.instructions) {
    const last = parts.at(-1);
    if (instruction.kind === "FROM") parts.push({ from: instruction, instructions: [] });
    else if (last !== undefined) last.instructions.push(instruction);
    else if (instruction.kind === "ARG") head.push(instruction);
    else
      throw new BuildError(
        "SYNTAX",
        located(containerfile, instruction.at, `${instruction.kind} stands before the first FROM, where only ARG may`),
        { hint: "Begin with FROM" },
      );
  }
  if (parts.length === 0)
    throw new BuildError("SYNTAX", `cannot build ${containerfile.path}: it has no FROM`, {
      hint: "Begin with FROM IMAGE or FROM scratch",
    });
  return { head, parts };
}

/**
 * What instructions may take files from, as far as it can be known without the environment of the base. `known`: values
 * of the stage before; those of this one are added.
 */
function* references(
  instructions: readonly Instruction[],
  known: Map<string, string>,
  outer: Variables,
  given: Arguments,
  escape: string,
): Generator<{ readonly name: string; readonly at: Position }> {
  const expand = (word: Word | undefined): string => {
    try {
      return word === undefined ? "" : expandWord(word, (name) => known.get(name), { escape });
    } catch (error) {
      // A variable of the base that has to be set: the step itself will know.
      if (error instanceof BuildError) return "";
      throw error;
    }
  };
  for (const instruction of instructions) {
    const words: (Word | undefined)[] = [];
    if (instruction.kind === "ARG")
      for (const { name, value } of instruction.args) {
        const chosen = given.get(name) ?? (value === undefined ? outer(name) : expand(value));
        if (chosen !== undefined) known.set(name, chosen);
      }
    else if (instruction.kind === "ENV")
      for (const { key, value } of instruction.pairs) known.set(key.text, expand(value));
    else if (instruction.kind === "COPY" || instruction.kind === "ADD") words.push(instruction.from);
    else if (instruction.kind === "RUN") words.push(...instruction.mounts.map(({ options }) => options.get("from")));
    for (const word of words) {
      const name = expand(word);
      if (word !== undefined && name !== "") yield { name, at: word.at };
    }
  }
}

function chooseTarget(names: readonly string[], target: string | undefined, containerfile: Containerfile): number {
  if (target === undefined) return names.length - 1;
  const byName = names.lastIndexOf(target.toLowerCase());
  const found = byName >= 0 ? byName : /^\d+$/.test(target) ? Number(target) : -1;
  if (found >= 0 && found < names.length) return found;
  throw new BuildError(
    "UNKNOWN_STAGE",
    `cannot build the target ${JSON.stringify(target)} of ${containerfile.path}: it has the stages ${names.join(", ")}`,
    { hint: "Give --target a name after AS, or the number of a stage" },
  );
}

function reachable(stages: readonly Stage[], target: number): Stage[] {
  const wanted = new Set<number>([target]);
  // Needs lead to lower indexes only.
  for (let index = target; index >= 0; index--)
    if (wanted.has(index)) for (const need of stages[index]?.needs ?? []) wanted.add(need);
  return stages.filter(({ index }) => wanted.has(index));
}
