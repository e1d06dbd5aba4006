// Instructions that change the configuration only: which function each one is.
import type { Instruction } from "../containerfile/index.ts";
import type { Expand, StageState } from "../state.ts";
import { cmd } from "./cmd.ts";
import { entrypoint } from "./entrypoint.ts";
import { env } from "./env.ts";
import { expose } from "./expose.ts";
import { healthcheck } from "./healthcheck.ts";
import { label } from "./label.ts";
import { onBuild } from "./onbuild.ts";
import { stopSignal } from "./stopsignal.ts";
import { user } from "./user.ts";
import { volume } from "./volume.ts";

/** The state after the instruction, less its history. Throws BuildError BAD_VALUE, SYNTAX. */
export function applyMetadata(
  state: StageState,
  instruction: Exclude<Instruction, { kind: "FROM" | "ARG" | "RUN" | "COPY" | "ADD" | "WORKDIR" }>,
  expand: Expand,
  expandWords: (text: string) => string[],
): StageState {
  const { config } = state;
  switch (instruction.kind) {
    case "ENV":
      return { ...state, config: env(config, instruction, expand) };
    case "LABEL":
      return { ...state, config: label(config, instruction, expand) };
    case "CMD":
      return { ...state, config: cmd(config, instruction), hasOwnCmd: true };
    case "ENTRYPOINT":
      return { ...state, config: entrypoint(config, instruction, state.hasOwnCmd) };
    case "SHELL":
      return { ...state, config: { ...config, shell: instruction.argv } };
    case "EXPOSE":
      return { ...state, config: expose(config, instruction, expandWords) };
    case "USER":
      return { ...state, config: user(config, instruction, expand) };
    case "VOLUME":
      return { ...state, config: volume(config, instruction, expand) };
    case "STOPSIGNAL":
      return { ...state, config: stopSignal(config, instruction, expand) };
    case "MAINTAINER":
      return { ...state, author: instruction.name };
    case "HEALTHCHECK":
      return { ...state, config: healthcheck(config, instruction) };
    case "ONBUILD":
      return { ...state, config: onBuild(config, instruction) };
  }
}
