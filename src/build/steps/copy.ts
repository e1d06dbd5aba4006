// COPY and ADD: files of a context, a stage or an image become a layer. Nothing is unpacked and no sandbox is made.
import type { CopyRequest } from "../copy/index.ts";
import { type Copy, expandHeredoc, type Word } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import { contentName } from "../history.ts";
import type { Files } from "../sources.ts";
import { type StageState, variablesOf } from "../state.ts";
import { addLayer, keyOf, onceABuild, required, type StepContext, type StepOutcome } from "./context.ts";
import { bytesOf, missingDirectories } from "./missing-directories.ts";

/** Throws BuildError, OciError, and what writing a layer throws. */
export async function copy(context: StepContext, before: StageState, instruction: Copy): Promise<StepOutcome> {
  const { services } = context;
  const { source } = await sourceOf(context, instruction);
  const wanted = await requestOf(context, before, instruction);
  const { prepareCopy } = await import("../copy/index.ts");
  const plan = await prepareCopy(wanted, source);
  const key = keyOf(context, before, instruction.kind, { content: plan.digest });
  const content = contentName(instruction, plan.digest, await isDirectory(wanted, source));
  const outcome = await onceABuild(context, before, key, async () => {
    const copied = await plan.entries(before.root);
    const paths = new Set(copied.map(({ path }) => path));
    const made = await missingDirectories(before.root, before.config.volumes, Math.floor(services.nowMs() / 1000));
    return addLayer(context, before, key, [...made.filter(({ path }) => !paths.has(path)), ...copied]);
  });
  return { ...outcome, content };
}

async function sourceOf(context: StepContext, instruction: Copy): Promise<Files> {
  const { plan, sources, stage, expand } = context;
  if (instruction.from === undefined) return sources.context();
  const name = required(expand(instruction.from), `${instruction.kind} --from`);
  return sources.open(plan.origin(name, stage, instruction.from.at), stage);
}

async function requestOf(context: StepContext, before: StageState, instruction: Copy): Promise<CopyRequest> {
  const { expand, request, services, workshop } = context;
  const optional = (word: Word | undefined, what: string): string | undefined =>
    word === undefined ? undefined : required(expand(word), `${instruction.kind} --${what}`);
  const chown = optional(instruction.chown, "chown");
  const chmod = optional(instruction.chmod, "chmod");
  const checksum = optional(instruction.checksum, "checksum");
  return {
    kind: instruction.kind,
    sources: instruction.sources.map((each) =>
      "content" in each
        ? { name: each.name, content: Buffer.from(expandHeredoc(each, variablesOf(before)), "utf8") }
        : required(expand(each), "a source"),
    ),
    destination: required(expand(instruction.destination), "the destination"),
    workdir: before.config.workingDir === "" ? "/" : before.config.workingDir,
    link: instruction.link,
    parents: instruction.parents,
    exclude: instruction.exclude.map(expand),
    ...(chown === undefined ? {} : { chown }),
    ...(chmod === undefined ? {} : { chmod }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(instruction.unpack === undefined ? {} : { unpack: instruction.unpack }),
    ...(request.epochSeconds === undefined ? {} : { epochSeconds: request.epochSeconds }),
    ...(instruction.kind === "ADD" ? { scratch: await workshop.scratch() } : {}),
    signal: services.signal,
  };
}

/** Of a single source, as the history tells it. */
async function isDirectory({ sources }: CopyRequest, source: Files["source"]): Promise<boolean> {
  const [first] = sources;
  if (sources.length !== 1 || typeof first !== "string" || first.includes("://")) return false;
  const names = first.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) return false;
  try {
    return (await source.lstat(bytesOf(names.join("/"))))?.type === "directory";
  } catch (error) {
    if (error instanceof BuildError) return false;
    throw error;
  }
}
