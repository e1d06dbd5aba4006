// ENTRYPOINT: the program of the image. A CMD that was inherited meant another program, and goes.
import type { RunConfig } from "../config.ts";
import type { Entrypoint } from "../containerfile/index.ts";
import { argvOf } from "./argv.ts";

export function entrypoint(config: RunConfig, { command }: Pick<Entrypoint, "command">, keepCmd: boolean): RunConfig {
  const argv = argvOf(command, config);
  const isNone = command.form === "shell" ? command.script === "" : argv.length === 0;
  return { ...config, entrypoint: isNone ? undefined : argv, cmd: keepCmd ? config.cmd : undefined };
}
