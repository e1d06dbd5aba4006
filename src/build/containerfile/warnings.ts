// What is accepted and yet probably a mistake: names that sound like secrets, stages that hide each other, things that
// are not what they seem to be.
import type { Containerfile, Instruction, Position } from "./instruction.ts";

export interface Warning {
  readonly at: Position;
  readonly message: string;
}

/** In the order of the file. */
export function warningsOf({ instructions }: Pick<Containerfile, "instructions">): Warning[] {
  const stages = new Set<string>();
  return instructions.flatMap((instruction) => warningsAt(instruction, stages));
}

function warningsAt(instruction: Instruction, stages: Set<string>): Warning[] {
  const { at } = instruction;
  switch (instruction.kind) {
    case "FROM": {
      const { alias, platform } = instruction;
      const found: Warning[] = [];
      if (alias !== undefined && stages.has(alias))
        found.push({
          at,
          message: `the stage ${alias} is named a second time: from here on the first cannot be reached`,
        });
      if (alias === "scratch")
        found.push({ at, message: "a stage named scratch cannot be reached: FROM scratch is empty" });
      if (alias !== undefined) stages.add(alias);
      if (platform !== undefined && !platform.text.includes("$") && /[A-Z]/.test(platform.text))
        found.push({
          at: platform.at,
          message: `the platform ${platform.text} is written ${platform.text.toLowerCase()}`,
        });
      return found;
    }
    case "ARG":
      return instruction.args.flatMap(({ name, value }) => secret("ARG", name, value?.at ?? at));
    case "ENV":
      return instruction.pairs.flatMap(({ key }) => secret("ENV", key.text, key.at));
    case "CMD":
    case "ENTRYPOINT":
      return instruction.command.form === "shell" && instruction.command.script.startsWith("[")
        ? notJson(instruction.kind, at)
        : [];
    case "RUN":
      return instruction.command.form === "shell" && /^\[\s*["']/.test(instruction.command.script)
        ? notJson("RUN", at)
        : [];
    case "COPY":
    case "ADD":
    case "VOLUME":
      return instruction.text.includes("[") ? wordsOfJson(instruction) : [];
    case "MAINTAINER":
      return [{ at, message: 'MAINTAINER is deprecated: write LABEL org.opencontainers.image.authors="NAME"' }];
    case "ONBUILD":
      return warningsAt(instruction.instruction, stages);
    default:
      return [];
  }
}

function notJson(kind: string, at: Position): Warning[] {
  return [
    { at, message: `the list of ${kind} is no valid JSON, so a shell gets it as it is: strings need double quotes` },
  ];
}

function wordsOfJson(instruction: Instruction & { readonly kind: "COPY" | "ADD" | "VOLUME" }): Warning[] {
  const words = instruction.kind === "VOLUME" ? instruction.paths : instruction.sources;
  const [first] = words;
  if (first === undefined || !("text" in first) || !/^\[(["']|$)/.test(first.text)) return [];
  return [
    { at: first.at, message: `the list of ${instruction.kind} is no valid JSON, so its parts are taken for paths` },
  ];
}

const SECRET =
  /(^|_)(pass(wd|word|phrase)?|secrets?|tokens?|api_?key|access_?key|private_?key|secret_?key|credentials?|auth)(_|$)/i;
/** A place or a name of a secret is none. */
const NO_SECRET = /_(file|path|dir|url|uri|id|name|type|ttl|length)$/i;

/** True of names whose values do not belong into the history of an image. */
export function soundsSecret(name: string): boolean {
  // dbPassword, DB-PASSWORD
  const snake = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(/[-.]/g, "_");
  return SECRET.test(snake) && !NO_SECRET.test(snake);
}

function secret(kind: "ARG" | "ENV", name: string, at: Position): Warning[] {
  if (!soundsSecret(name)) return [];
  const kept = kind === "ENV" ? "in the image's configuration" : "in the image's history";
  return [{ at, message: `the value of ${kind} ${name} stays ${kept}: use RUN --mount=type=secret instead` }];
}
