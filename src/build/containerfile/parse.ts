// Containerfile text to instructions. docs/formats/containerfile.md says what the language is and where BuildKit and
// buildah differ. Which instruction may stand where is the planner's business.
import { BuildError } from "../error.ts";
import { parseDirectives } from "./directives.ts";
import type { Containerfile, Instruction } from "./instruction.ts";
import { parseStatement } from "./instructions.ts";
import { decodeLines, LineReader } from "./lines.ts";
import { locatedError } from "./location.ts";
import { Statement } from "./statement.ts";

/** Throws BuildError: SYNTAX with the place and the line in its message, LIMIT. `path` is what messages call the file. */
export function parseContainerfile(bytes: Uint8Array, path: string): Containerfile {
  const file = decodeLines(bytes, path);
  const directives = parseDirectives(file);
  const reader = new LineReader(file, directives.escape);
  const instructions: Instruction[] = [];
  for (let line = reader.logical(); line !== undefined; line = reader.logical())
    instructions.push(parseStatement(new Statement(line, 0, reader, directives.escape)));
  if (instructions.length === 0)
    throw new BuildError("SYNTAX", `${path}: there is no instruction in it`, { hint: "Begin with FROM IMAGE" });
  return { path, directives, instructions, lines: file.lines };
}

/** One instruction, as images keep their ONBUILD triggers: heredocs follow on lines of their own. */
export function parseInstruction(text: string, path: string): Instruction {
  const { instructions, lines } = parseContainerfile(new TextEncoder().encode(text), path);
  const [instruction, second] = instructions;
  if (instruction === undefined || second !== undefined)
    throw locatedError(
      { path, lines },
      second?.at ?? { line: 1, column: 1 },
      "one instruction is wanted here, not two",
    );
  return instruction;
}
