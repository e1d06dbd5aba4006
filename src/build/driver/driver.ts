// `--driver podman|buildah`: the same build by a tool that the user prefers. Its image comes back as an OCI layout, is searched
// for secrets in every layer (what later layers delete included), config and history, and only then enters the local store.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTempDir } from "../../base/io/index.ts";
import { ProcessError, run, start, waitFor } from "../../base/process/index.ts";
import {
  copyImage,
  type Descriptor,
  formatPlatform,
  type Image,
  LayerCache,
  LayoutStore,
  matchesPlatform,
  openImage,
  type Platform,
} from "../../oci/index.ts";
import { BuildError } from "../error.ts";
import { writeIndex } from "../image-index.ts";
import { explainFailure } from "../failures/index.ts";
import type { BuildRequest, BuildServices } from "../request.ts";
import { assertImageHasNoSecrets, Mask } from "../secrets/index.ts";
import { buildArguments, type DriverName, type DriverOptions, globalArguments } from "./arguments.ts";

export interface DriverServices extends Pick<BuildServices, "local" | "env" | "progress" | "signal"> {
  /** The tool's output, secrets masked. */
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
}

interface Driver {
  readonly name: DriverName;
  readonly request: BuildRequest;
  readonly options: DriverOptions;
  readonly services: DriverServices;
}

const MAX_TAIL_BYTES = 256 * 1024;

/**
 * Builds with another tool and puts the image, or the index over several platforms, into the local store without a name:
 * the caller tags it. Throws BuildError UNSUPPORTED, BAD_VALUE, RUN_FAILED, SECRET_LEAKED, ProcessError NOT_INSTALLED.
 */
export async function buildWithDriver(
  name: DriverName,
  request: BuildRequest,
  options: DriverOptions,
  services: DriverServices,
): Promise<Descriptor> {
  const driver: Driver = { name, request, options, services };
  await assertFindsIgnoreFile(driver);
  const images: { descriptor: Descriptor; platform: Platform }[] = [];
  for (const platform of request.platforms)
    images.push({ descriptor: await buildPlatform(driver, platform), platform });
  const [only] = images;
  return only !== undefined && images.length === 1 ? only.descriptor : writeIndex(images, services.local.images);
}

/** The tools know the ignore files of a context; one beside the Containerfile they would look for beside our copy of it. */
async function assertFindsIgnoreFile({ name, request, options }: Driver): Promise<void> {
  if (request.ignore === undefined || options.ignoreFile !== undefined) return;
  const inContext = await readdir(request.context);
  if (inContext.includes(".containerignore") || inContext.includes(".dockerignore")) return;
  throw new BuildError("UNSUPPORTED", `cannot let ${name} find the ignore file of ${request.containerfile.path}`, {
    hint: "Name it with --ignorefile",
  });
}

async function buildPlatform(driver: Driver, platform: Platform): Promise<Descriptor> {
  const { request, services } = driver;
  await using directory = await makeTempDir("slipway-driver-");
  const files = { containerfile: join(directory.path, "Containerfile"), id: join(directory.path, "id") };
  await writeFile(files.containerfile, request.containerfile.lines.join("\n"));
  await runBuild(driver, buildArguments(driver.name, request, driver.options, formatPlatform(platform), files));
  const id = (await readFile(files.id, "utf8")).trim();
  const layout = join(directory.path, "image");
  await mkdir(layout);
  await runTool(driver, ["push", "--quiet", id, `oci:${layout}:image`]);
  const store = await LayoutStore.open(layout);
  const image = await openImage(store, "image");
  assertPlatform(driver.name, image, platform);
  // A cache of its own: what holds a secret must not stay in the user's.
  const cache = await LayerCache.open(join(directory.path, "cache"));
  try {
    await assertImageHasNoSecrets(image, cache, request.secrets, services.signal);
  } catch (error) {
    throw error instanceof BuildError ? stillThere(error, driver.name, id) : error;
  }
  return await copyImage(store, image.descriptor, services.local.images, undefined, {
    progress: services.progress,
    signal: services.signal,
  });
}

function assertPlatform(name: DriverName, { config }: Image, { os, architecture }: Platform): void {
  // Configs often leave the variant out.
  if (matchesPlatform({ os, architecture }, config.platform)) return;
  const [wanted, found] = [formatPlatform({ os, architecture }), formatPlatform(config.platform)];
  throw new BuildError(
    "UNSUPPORTED",
    `cannot take an image for ${wanted} over from ${name}: it made one for ${found}`,
    {
      hint: "Add --no-cache: old versions use steps of one platform for another",
    },
  );
}

/** The tool's storage is the user's: what is in it may have had another name before. */
function stillThere(error: BuildError, name: DriverName, id: string): BuildError {
  const shortId = id.replace(/^sha256:/, "").slice(0, 12);
  return new BuildError(error.code, `${error.message}; ${name} still has it as ${shortId}`, {
    hint: `${error.hint ?? "Mend the step"}; then remove the image with ${name} rmi ${shortId}`,
    data: { ...error.data, imageId: id },
    cause: error,
  });
}

async function runBuild(driver: Driver, args: readonly string[]): Promise<void> {
  const { name, request, services } = driver;
  const command = [...globalArguments(name, driver.options), ...args];
  const child = start(name, command, { env: { ...services.env }, stdio: ["ignore", "pipe", "pipe"] });
  let tail = "";
  for (const stream of ["stdout", "stderr"] as const) {
    const mask = new Mask(request.secrets);
    const say = (chunk: Uint8Array): void => {
      if (chunk.length === 0) return;
      tail = (tail + Buffer.from(chunk).toString("utf8")).slice(-MAX_TAIL_BYTES);
      services.onOutput(stream, chunk);
    };
    child[stream]?.on("data", (chunk: Uint8Array) => say(mask.push(chunk)));
    child[stream]?.on("end", () => say(mask.flush()));
  }
  const exitCode = await waitFor(child, name, { signal: services.signal, installHint: installHint(name) });
  if (exitCode === 0) return;
  const { firstError, rule } = explainFailure(tail);
  const found = firstError === undefined ? "" : `: ${firstError}`;
  throw new BuildError(
    "RUN_FAILED",
    `${name} could not build ${request.containerfile.path}, it exited with ${exitCode}${found}`,
    {
      ...(rule === undefined ? {} : { hint: rule.cure }),
      data: { driver: name, exitCode, rule: rule?.id ?? null },
    },
  );
}

/** Small commands that tell nothing. Throws BuildError RUN_FAILED. */
async function runTool({ name, options, services }: Driver, args: readonly string[]): Promise<void> {
  try {
    await run(name, [...globalArguments(name, options), ...args], { env: services.env, signal: services.signal });
  } catch (error) {
    if (!(error instanceof ProcessError) || error.code !== "FAILED") throw error;
    throw new BuildError("RUN_FAILED", `cannot take the image over from ${name}: ${error.message}`, { cause: error });
  }
}

function installHint(name: DriverName): string {
  return `Install ${name}, or build without --driver`;
}
