// A command as the list of arguments that is executed: the shell form goes through SHELL.
import { DEFAULT_SHELL, type RunConfig } from "../config.ts";
import type { Command } from "../containerfile/index.ts";

export function argvOf(command: Command, { shell }: Pick<RunConfig, "shell">): readonly string[] {
  return command.form === "exec" ? command.argv : [...(shell ?? DEFAULT_SHELL), command.script];
}
