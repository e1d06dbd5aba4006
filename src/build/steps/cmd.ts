// CMD: what the image runs, or the arguments of its ENTRYPOINT.
import type { RunConfig } from "../config.ts";
import type { Cmd } from "../containerfile/index.ts";
import { argvOf } from "./argv.ts";

export function cmd(config: RunConfig, { command }: Pick<Cmd, "command">): RunConfig {
  return { ...config, cmd: argvOf(command, config) };
}
