// What the shell of a RUN gets when there are heredocs in it (BuildKit's reading of RUN <<EOF).
import type { Run } from "./instruction.ts";
import { parseHeredocWord } from "./words.ts";

export interface RunScript {
  readonly script: string;
  /** The script begins with `#!`: it is a file to be executed, not a shell's argument. */
  readonly isProgram: boolean;
}

/**
 * A RUN that is nothing but one heredoc is its content, whose variables are the shell's business. Any other line is
 * handed on with its heredocs below it. Undefined for the exec form.
 */
export function runScript({ command, heredocs }: Run): RunScript | undefined {
  if (command.form === "exec") return undefined;
  const [first] = heredocs;
  if (first === undefined) return { script: command.script, isProgram: false };
  if (heredocs.length === 1 && parseHeredocWord(command.script, 0) !== undefined)
    return { script: first.content, isProgram: first.content.startsWith("#!") };
  const script = [command.script, ...heredocs.map(({ name, content }) => `${content}${name}`)].join("\n");
  return { script, isProgram: false };
}
