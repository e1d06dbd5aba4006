// `slipway build [CONTEXT]`.
import { writeFile } from "node:fs/promises";
import { writeError } from "../../base/io/index.ts";
import { NO_PROGRESS } from "../../base/progress.ts";
import {
  buildElsewhere,
  buildImage,
  type BuildRequest,
  type BuildServices,
  buildWarnings,
  type BuiltImage,
  outlineSecrets,
  outlineStages,
  planFor,
} from "../../build/index.ts";
import {
  copyImage,
  type Descriptor,
  formatPlatform,
  formatReference,
  type Located,
  newStoreName,
  openDestination,
  parseReference,
  type Reference,
} from "../../oci/index.ts";
import type { CommandFunction, CommandResult } from "../app.ts";
import { basesOf } from "../build-bases.ts";
import { type BuildOptions, buildRequest } from "../build-options.ts";
import type { Context } from "../context.ts";
import { copyOptions, guard, withLogin } from "../image-copy.ts";
import { type CommandPlaces, openPlaces } from "../places.ts";
import { buildPrinter } from "../print/build.ts";

export const build: CommandFunction = async (given, [directory = "."], rawOptions) => {
  const options = rawOptions as unknown as BuildOptions;
  const context = options.quiet === true ? quiet(given) : given;
  // What the user mistyped is told before anything is built.
  const names = (options.tag ?? []).map(newStoreName);
  const outputs = (options.output ?? []).map(parseReference);
  const request = await buildRequest(context, directory, options);
  if (options.dryRun === true) return plan(request);
  await using places = await openPlaces(context, rawOptions);
  const { descriptor, images } = await make(context, places, request, options);
  for (const name of names) await places.images.tag(descriptor, name);
  for (const output of outputs) await copyTo(context, places, descriptor, output, rawOptions);
  if (options.iidfile !== undefined) await writeText(options.iidfile, descriptor.digest);
  if (names.length === 0 && outputs.length === 0 && options.quiet !== true)
    context.progress.warn("the image has no name: the next prune removes it; give one with -t");
  const { digest, mediaType } = descriptor;
  const lines = names.length === 0 ? [digest] : names.map((name) => `${name}  ${digest}`);
  return {
    text: options.quiet === true ? `${digest}\n` : `${lines.join("\n")}\n`,
    data: { digest, mediaType, tags: names, outputs: outputs.map(formatReference), images: images.map(imageData) },
  };
};

/** Warnings are shown all the same. */
function quiet(context: Context): Context {
  return { ...context, progress: { ...NO_PROGRESS, warn: (message) => context.progress.warn(message) } };
}

interface Made {
  readonly descriptor: Descriptor;
  readonly images: readonly BuiltImage[];
}

async function make(
  context: Context,
  places: CommandPlaces,
  request: BuildRequest,
  options: BuildOptions,
): Promise<Made> {
  // They may explain a failure.
  for (const warning of buildWarnings(request)) context.progress.warn(warning);
  const isMultiPlatform = request.platforms.length > 1;
  const services: BuildServices = {
    local: places.local,
    openBase: basesOf(context, places, { pull: options.pull, isMultiPlatform }),
    env: context.env,
    nowMs: () => Date.now(),
    progress: context.progress,
    report: buildPrinter(context.progress, {
      isParallel: request.jobs > 1,
      isMultiPlatform,
    }),
    signal: context.signal,
  };
  if (options.driver !== undefined) {
    const descriptor = await buildElsewhere(
      options.driver,
      request,
      {
        pull: options.pull,
        driverOptions: options.driverOption ?? [],
        ...(options.ignorefile === undefined ? {} : { ignoreFile: options.ignorefile }),
        ...(options.authfile === undefined ? {} : { authFile: options.authfile }),
      },
      {
        ...services,
        onOutput: (_stream, chunk) => options.quiet !== true && context.stderr(Buffer.from(chunk).toString()),
      },
    );
    return { descriptor, images: [] };
  }
  return await buildImage(request, services);
}

/** To a file, a folder or a registry, as `copy` does it. */
async function copyTo(
  context: Context,
  places: CommandPlaces,
  descriptor: Descriptor,
  to: Reference,
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const source: Located = {
    store: places.images,
    name: undefined,
    isLocal: true,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  if (to.transport === "docker") await guard(context, source, descriptor, to.image.registry);
  await withLogin(context, places, to, options, async () => {
    await using target = await openDestination(to, places);
    await target.publish(
      await copyImage(places.images, descriptor, target.store, undefined, copyOptions(context, source, target, {})),
    );
  });
}

/** `--dry-run`: nothing is opened. */
function plan(request: BuildRequest): CommandResult {
  const platforms = request.platforms.map((platform) => {
    const { stages } = planFor(request, platform);
    return {
      platform: formatPlatform(platform),
      stages: outlineStages(stages),
      secrets: outlineSecrets(stages, request.secrets),
    };
  });
  const text = platforms.flatMap(({ platform, stages, secrets }) => [
    `${platform}:`,
    ...stages.flatMap(({ name, base, steps }) => [
      `  stage ${name}, from ${base}`,
      ...steps.flatMap(({ text: step, mounts }, index) => [
        `    ${index + 1}/${steps.length} ${step}`,
        ...mounts.map((mount) => `        mounts ${mount}`),
      ]),
    ]),
    ...secrets.map(({ id, isRequired, isGiven }) => {
      const missing = isRequired ? "required, not given" : "not given";
      return `  secret ${id}: ${isGiven ? "given" : missing}`;
    }),
  ]);
  return { text: `${text.join("\n")}\n`, data: { dryRun: true, platforms } };
}

function imageData({ platform, descriptor, configDigest, steps }: BuiltImage): object {
  return { platform: formatPlatform(platform), digest: descriptor.digest, configDigest, steps };
}

async function writeText(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw writeError(path, error);
  }
}
