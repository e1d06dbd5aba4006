// A stage between two instructions: its file system, its configuration, its arguments, and how it came about. Immutable:
// an instruction is a function from one state to the next.
import type { Image } from "../oci/index.ts";
import type { Arguments } from "./arguments.ts";
import { environmentOf, type RunConfig } from "./config.ts";
import { expandWord, type Variables, type Word } from "./containerfile/index.ts";
import type { JsonObject } from "./json.ts";
import type { Root } from "./root/index.ts";

export interface StageState {
  readonly base: BaseFacts;
  readonly root: Root;
  readonly config: RunConfig;
  /** Declared in this stage and set. */
  readonly args: Arguments;
  readonly author: string | undefined;
  /** CMD was given in this stage: ENTRYPOINT leaves it alone. */
  readonly hasOwnCmd: boolean;
  /** Of this stage and of those it was made from, down to the base image. */
  readonly history: readonly StepHistory[];
}

/** What an image keeps of the image it was made from. */
export interface BaseFacts {
  /** Undefined for scratch. */
  readonly image: Image | undefined;
  /** Its full name, if it has one that means something elsewhere. */
  readonly name: string | undefined;
  /** `os`, `architecture` and the like, as its configuration has them. */
  readonly platform: JsonObject;
}

export interface StepHistory {
  readonly createdBy: string;
  readonly comment?: string;
  readonly author?: string;
  readonly emptyLayer: boolean;
}

/** ENV wins over ARG. */
export function variablesOf({ config, args }: Pick<StageState, "config" | "args">): Variables {
  const environment = environmentOf(config);
  return (name) => environment.get(name) ?? args.get(name);
}

/** Expands a word of an instruction with the values from before the instruction. */
export type Expand = (word: Word | string) => string;

export function expanderOf(state: StageState, escape: string): Expand {
  const variables = variablesOf(state);
  return (word) => expandWord(word, variables, { escape });
}

/** Names and values of arguments in a RUN's history: `a=1`, as the environment overrides them, sorted. */
export function argumentsInHistory({ config, args }: StageState): string[] {
  const environment = environmentOf(config);
  return [...args].map(([name, value]) => `${name}=${environment.get(name) ?? value}`).sort();
}

/** What a program of a RUN finds in its environment. Proxies are there without a declaration. */
export function runEnvironment(state: StageState, proxies: Arguments): Record<string, string> {
  return Object.fromEntries([...proxies, ...state.args, ...environmentOf(state.config)]);
}
