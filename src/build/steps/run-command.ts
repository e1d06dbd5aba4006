// What a RUN executes: exec form as it stands, shell form through SHELL; a heredoc with a `#!` line is a program of its own.
import { posix } from "node:path";
import type { RunConfig } from "../config.ts";
import { type Run, runScript } from "../containerfile/index.ts";
import { argvOf } from "./argv.ts";

export interface RunCommand {
  readonly argv: readonly string[];
  /** Has to be there, executable. */
  readonly file?: { readonly path: string; readonly content: string };
}

const HEREDOC_DIRECTORY = "/dev/pipes";

export function runCommand(instruction: Run, config: RunConfig): RunCommand {
  const script = runScript(instruction);
  if (script === undefined) return { argv: argvOf(instruction.command, config) };
  if (!script.isProgram) return { argv: argvOf({ form: "shell", script: script.script }, config) };
  const path = posix.join(HEREDOC_DIRECTORY, posix.basename(instruction.heredocs[0]?.name ?? "script"));
  return { argv: [path], file: { path, content: script.script } };
}
