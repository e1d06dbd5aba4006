// The options of `slipway build` as what the build is asked for.
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemErrorCode } from "../base/errors.ts";
import {
  BuildError,
  type BuildRequest,
  type Containerfile,
  type HostVolume,
  type IgnoreRules,
  type NamedContext,
  parseContainerfile,
  parseIgnoreFile,
  readSecret,
} from "../build/index.ts";
import { formatPlatform, parsePlatform, type Platform } from "../oci/index.ts";
import type { Context } from "./context.ts";
import { hostPlatform } from "./host-platform.ts";
import { sourceDateEpoch, UsageError } from "./usage.ts";

export interface BuildOptions {
  readonly file?: readonly string[];
  readonly tag?: readonly string[];
  readonly platform?: readonly string[];
  readonly target?: string;
  readonly dryRun?: boolean;
  readonly buildArg?: readonly string[];
  readonly buildContext?: readonly string[];
  readonly ignorefile?: string;
  readonly secret?: readonly string[];
  readonly ssh?: readonly string[];
  readonly squash?: boolean;
  readonly squashAll?: boolean;
  readonly label?: readonly string[];
  readonly annotation?: readonly string[];
  readonly timestamp?: string;
  readonly output?: readonly string[];
  readonly iidfile?: string;
  readonly cache: boolean;
  readonly pull: "always" | "missing" | "newer" | "never";
  readonly network: "default" | "host" | "none";
  readonly volume?: readonly string[];
  readonly jobs?: string;
  readonly quiet?: boolean;
  readonly driver?: "podman" | "buildah";
  readonly driverOption?: readonly string[];
  readonly authfile?: string;
}

const MAX_CONTAINERFILE_BYTES = 16 * 1024 * 1024;
const MAX_JOBS = 64;

/** Throws UsageError BAD_OPTION, BuildError, OciError BAD_PLATFORM. */
export async function buildRequest(context: Context, directory: string, options: BuildOptions): Promise<BuildRequest> {
  const path = resolve(directory);
  await assertDirectory(directory, path);
  const { containerfile, file } = await readContainerfile(onlyFile(options.file ?? []), path, directory);
  const wanted = platformsOf(options.platform ?? []);
  const epochSeconds = epochOf(options.timestamp) ?? sourceDateEpoch(context.env);
  const secrets = [];
  for (const text of options.secret ?? []) secrets.push(await readSecret(text, context.env, process.cwd()));
  const volumes = [];
  for (const text of options.volume ?? []) volumes.push(await volumeOf(text));
  return {
    containerfile,
    context: path,
    ignore: await ignoreRules(path, file, options.ignorefile),
    contexts: await namedContexts(options.buildContext ?? []),
    ...(options.target === undefined ? {} : { target: options.target }),
    platforms: wanted,
    buildPlatform: hostPlatform(),
    args: buildArguments(options.buildArg ?? [], context.env),
    secrets,
    sshSockets: sshSockets(options.ssh ?? [], context.env),
    squash: options.squashAll === true ? "all" : options.squash === true ? "new" : "none",
    labels: pairs(options.label, "--label"),
    annotations: pairs(options.annotation, "--annotation"),
    ...(epochSeconds === undefined ? {} : { epochSeconds }),
    useCache: options.cache,
    network: options.network,
    volumes,
    jobs: jobsOf(options.jobs) ?? wanted.length,
  };
}

async function assertDirectory(text: string, path: string): Promise<void> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isThere) return;
  const isUrl = /^(https?|git|ssh):|^git@/.test(text);
  throw new BuildError("NOT_FOUND", `cannot use ${JSON.stringify(text)} as the context: it is no directory`, {
    hint: isUrl ? "Fetch it first, and give the directory" : "Give the directory that COPY takes files from",
  });
}

/** Each once: two images of one platform are no index. */
function platformsOf(lists: readonly string[]): Platform[] {
  const texts = lists.flatMap((list) => list.split(",")).filter((text) => text !== "");
  if (texts.length === 0) return [hostPlatform()];
  const platforms = texts.map(parsePlatform);
  return [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()];
}

function onlyFile(files: readonly string[]): string | undefined {
  if (files.length <= 1) return files[0];
  const given = files.map((file) => `-f ${file}`).join(" ");
  throw new UsageError("BAD_OPTION", `cannot build from several Containerfiles: ${given}`, {
    hint: "Give one -f, or put their stages into one file",
  });
}

interface Found {
  readonly containerfile: Containerfile;
  /** Full path; undefined for standard input. */
  readonly file: string | undefined;
}

async function readContainerfile(given: string | undefined, context: string, shown: string): Promise<Found> {
  if (given === "-") {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return { containerfile: parseContainerfile(Buffer.concat(chunks), "Containerfile"), file: undefined };
  }
  const candidates =
    given === undefined
      ? ["Containerfile", "Dockerfile"].map((name) => ({ name, path: join(context, name) }))
      : [resolve(given), resolve(context, given)].map((path) => ({ name: given, path }));
  for (const { name, path } of candidates) {
    const bytes = await readIfThere(path, "Name the Containerfile with -f FILE");
    if (bytes !== undefined) return { containerfile: parseContainerfile(bytes, name), file: path };
  }
  const what = given === undefined ? `a Containerfile or Dockerfile in ${shown}` : `the Containerfile ${given}`;
  throw new BuildError("NOT_FOUND", `cannot find ${what}`, { hint: "Name it with -f FILE" });
}

/** `hint`: what to do about a directory. */
async function readIfThere(path: string, hint: string): Promise<Uint8Array | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new BuildError("BAD_VALUE", `cannot read ${path}: it is a directory`, { hint });
    if (found.size > MAX_CONTAINERFILE_BYTES)
      throw new BuildError("LIMIT", `cannot read ${path}: ${found.size} bytes, more than ${MAX_CONTAINERFILE_BYTES}`);
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(`cannot read ${path}`, error);
  }
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "");
}

/** A system error in words; others as they are. */
function unreadable(what: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === undefined || error instanceof BuildError) return error;
  if (code !== "EACCES" && code !== "EPERM") return new BuildError("BAD_VALUE", `${what}: ${code}`, { cause: error });
  return new BuildError("DENIED", `${what}: permission denied`, {
    hint: "Let yourself read it with chmod, or build as the user who may",
    cause: error,
  });
}

/** `--ignorefile`, else the Containerfile's own, else the context's. */
async function ignoreRules(
  context: string,
  file: string | undefined,
  given: string | undefined,
): Promise<IgnoreRules | undefined> {
  const beside = file === undefined ? [] : [`${file}.containerignore`, `${file}.dockerignore`];
  const own = [".containerignore", ".dockerignore"].map((name) => join(context, name));
  for (const path of given === undefined ? [...beside, ...own] : [resolve(given)]) {
    const bytes = await readIfThere(path, "Move it away, or name the ignore file with --ignorefile FILE");
    if (bytes !== undefined) return parseIgnoreFile(bytes, path);
  }
  if (given === undefined) return undefined;
  throw new BuildError("NOT_FOUND", `cannot find the ignore file ${given}`);
}

async function namedContexts(texts: readonly string[]): Promise<ReadonlyMap<string, NamedContext>> {
  const contexts = new Map<string, NamedContext>();
  for (const [name, value] of pairs(texts, "--build-context")) {
    const image = /^(?:docker-image|container-image):\/\/(.+)$/.exec(value)?.[1];
    const layout = /^oci-layout:\/\/(.+)$/.exec(value)?.[1];
    if (image !== undefined) contexts.set(name, { kind: "image", reference: image });
    else if (layout !== undefined) contexts.set(name, { kind: "image", reference: `oci:${layout}` });
    else if (/^(docker|oci|oci-archive|docker-archive|dir|containers-storage):/.test(value))
      contexts.set(name, { kind: "image", reference: value });
    else {
      const path = resolve(value);
      await assertDirectory(value, path);
      contexts.set(name, { kind: "directory", path, ignore: await ignoreRules(path, undefined, undefined) });
    }
  }
  return contexts;
}

function buildArguments(texts: readonly string[], env: Context["env"]): ReadonlyMap<string, string> {
  const args = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    if (name === "") throw badOption("--build-arg", text, "NAME or NAME=VALUE");
    const value = at < 0 ? env[name] : text.slice(at + 1);
    if (value === undefined) args.delete(name);
    else args.set(name, value);
  }
  return args;
}

function sshSockets(texts: readonly string[], env: Context["env"]): ReadonlyMap<string, string> {
  const sockets = new Map<string, string>();
  const agent = env["SSH_AUTH_SOCK"];
  if (agent !== undefined && agent !== "") sockets.set("default", agent);
  for (const text of texts) {
    const at = text.indexOf("=");
    const socket = at < 0 ? agent : resolve(text.slice(at + 1));
    if (socket === undefined)
      throw new UsageError("BAD_OPTION", `cannot use --ssh ${text}: SSH_AUTH_SOCK is not set`, {
        hint: "Start an ssh agent, or name its socket: --ssh ID=SOCKET",
      });
    sockets.set(at < 0 ? text : text.slice(0, at), socket);
  }
  return sockets;
}

/** Looked for now: a build may be long before its first RUN. */
async function volumeOf(text: string): Promise<HostVolume> {
  const [source, target, mode = "rw", ...more] = text.split(":");
  const modes = mode.split(",");
  const isKnown = modes.every((each) => ["ro", "rw", "z", "Z"].includes(each));
  if (source === undefined || source === "" || target?.startsWith("/") !== true || !isKnown || more.length > 0)
    throw badOption("--volume", text, "SOURCE:/TARGET[:ro]");
  const path = resolve(source);
  const what = `cannot mount --volume ${JSON.stringify(text)}`;
  await stat(path).catch((error: unknown) => {
    if (!isMissing(error)) throw unreadable(`${what}: ${path}`, error);
    throw new BuildError("NOT_FOUND", `${what}: there is no ${path} on this machine`, {
      hint: "Make it first, or give a directory that is there; volumes of podman and Docker have no names here",
    });
  });
  return { source: path, target, readonly: modes.includes("ro") };
}

function pairs(texts: readonly string[] | undefined, option: string): ReadonlyMap<string, string> {
  return new Map(
    (texts ?? []).map((text) => {
      const at = text.indexOf("=");
      // As podman has it, a label needs no value.
      if (at < 0 && option === "--label" && text !== "") return [text, ""];
      if (at <= 0) throw badOption(option, text, "NAME=VALUE");
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function epochOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw badOption("--timestamp", text, "seconds since 1970");
  return seconds;
}

function jobsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const jobs = Number(text);
  if (!Number.isSafeInteger(jobs) || jobs < 0 || jobs > MAX_JOBS) throw badOption("--jobs", text, `0 to ${MAX_JOBS}`);
  // As with podman: no limit.
  return jobs === 0 ? MAX_JOBS : jobs;
}

function badOption(option: string, text: string, wanted: string): UsageError {
  return new UsageError("BAD_OPTION", `cannot read ${option} ${JSON.stringify(text)}: want ${wanted}`);
}
