// Shell completion: a small script for each shell that asks `slipway __complete WORDS…` for candidates, so that what is
// offered is always what this version understands.
import type { Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_slipway() {
  local IFS=$'\\n'
  COMPREPLY=($(slipway __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ \${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _slipway slipway
`,
  zsh: `#compdef slipway
_slipway() {
  local -a candidates
  candidates=("\${(@f)$(slipway __complete "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  [[ -n "$candidates" ]] && compadd -- $candidates || _files
}
compdef _slipway slipway
`,
  fish: `complete -c slipway -a '(slipway __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

/** Candidates for the last of `words` (which may be empty): subcommands, options, or the choices of an option. */
export function completeWords(app: Command, words: readonly string[]): string[] {
  const last = words.at(-1) ?? "";
  let command = app;
  for (const word of words.slice(0, -1)) command = command.commands.find((each) => each.name() === word) ?? command;
  const previous = optionNamed(command, words.at(-2) ?? "");
  return candidates(command, previous, last)
    .filter((candidate) => candidate.startsWith(last))
    .toSorted();
}

function candidates(command: Command, previous: Option | undefined, last: string): string[] {
  if (previous !== undefined && (previous.required || previous.optional)) return [...(previous.argChoices ?? [])];
  if (last.startsWith("-"))
    return allOptions(command).flatMap((option) => (option.long === undefined ? [] : [option.long]));
  return command.commands.map((each) => each.name()).filter((name) => !name.startsWith("__"));
}

function optionNamed(command: Command, word: string): Option | undefined {
  return allOptions(command).find((option) => option.long === word || option.short === word);
}

function allOptions(command: Command): Option[] {
  const own = [...command.options];
  return command.parent === null ? own : [...own, ...allOptions(command.parent)];
}
