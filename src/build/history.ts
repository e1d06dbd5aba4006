// The history line of an instruction, as podman build writes it: `/bin/sh -c #(nop) …` for what changes no file.
import type { Copy, Instruction, Run } from "./containerfile/index.ts";
import { argumentsInHistory, type StageState } from "./state.ts";

/** `after` is the state that the instruction led to; `content` names what COPY and ADD brought. */
export function createdBy(instruction: Instruction, after: StageState, content = ""): string {
  switch (instruction.kind) {
    case "ARG":
      return `/bin/sh -c #(nop) ARG ${[...after.args.keys()].sort().join(" ")}`;
    case "RUN":
      return runText(instruction, argumentsInHistory(after));
    case "COPY":
    case "ADD":
      return `/bin/sh -c #(nop) ${instruction.kind} ${content} in ${instruction.destination.text} `;
    default:
      return `/bin/sh -c #(nop) ${instruction.text}`;
  }
}

function runText(instruction: Run, args: readonly string[]): string {
  const prefix = args.length === 0 ? "" : `|${args.length} ${args.join(" ")} `;
  const heredocs = instruction.heredocs.map(({ content }) => `\n${content.trim()}`).join("");
  return `${prefix}/bin/sh -c ${instruction.text.slice("RUN ".length)}${heredocs}`;
}

/** `file:HEX`, `dir:HEX` or `multi:HEX`. */
export function contentName(instruction: Copy, digest: string, isDirectory: boolean): string {
  if (instruction.sources.length > 1) return `multi:${digest}`;
  return `${isDirectory ? "dir" : "file"}:${digest}`;
}
