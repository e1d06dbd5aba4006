// RUN --mount: each mount first as what it says (for the step's key), then, when the step really runs, as what the sandbox
// mounts. Values of secrets are part of the second only.
import { realpath } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import { systemErrorCode } from "../../base/errors.ts";
import { run as runProgram } from "../../base/process/index.ts";
import { parseSize } from "../../base/size.ts";
import { located, type Position, type Run, type RunMount } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { JsonObject } from "../json.ts";
import { hostPath } from "../root/index.ts";
import type { SandboxMount } from "../sandbox/index.ts";
import type { Files } from "../sources.ts";
import { rootKey } from "../workshop.ts";
import { openCacheMount } from "./cache-mount.ts";
import type { StepContext } from "./context.ts";
import { bytesOf } from "./missing-directories.ts";

export interface PlannedMount {
  /** Everything that decides what the step sees there, but for the contents of caches and secrets. */
  readonly key: JsonObject;
  /** The id of a cache that no other step may have meanwhile. */
  readonly lock?: string;
  /** Ready for the sandbox; what is disposed with `scope` is undone after the step. */
  open(scope: AsyncDisposableStack): Promise<OpenMount>;
}

export interface OpenMount {
  readonly mounts: readonly SandboxMount[];
  readonly env?: Readonly<Record<string, string>>;
}

const NOTHING: OpenMount = { mounts: [] };

/** Throws BuildError BAD_VALUE, NOT_FOUND. */
export function planMounts(context: StepContext, instruction: Run, workdir: string): Promise<PlannedMount[]> {
  return Promise.all(
    instruction.mounts.map((mount, index) => planMount(context, new Options(context, mount, workdir), index)),
  );
}

function planMount(context: StepContext, options: Options, index: number): Promise<PlannedMount> {
  switch (options.type) {
    case "bind":
      return bindMount(context, options);
    case "cache":
      return cacheMount(context, options);
    case "secret":
      return Promise.resolve(secretMount(context, options));
    case "tmpfs":
      return Promise.resolve(tmpfsMount(options));
    case "ssh":
      return Promise.resolve(sshMount(context, options, index));
  }
}

/** Options of one mount, variables expanded. */
class Options {
  readonly type: RunMount["type"];
  readonly at: Position;
  readonly #values: ReadonlyMap<string, string>;
  readonly #workdir: string;
  readonly #fail: (message: string, hint?: string) => BuildError;

  constructor({ containerfile, expand }: StepContext, { type, options, at }: RunMount, workdir: string) {
    this.type = type;
    this.at = at;
    this.#values = new Map([...options].map(([name, word]) => [name, expand(word)]));
    this.#workdir = workdir;
    this.#fail = (message, hint) => failure(containerfile, at, `a mount of type ${type} ${message}`, hint);
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === "" ? undefined : value;
  }

  isOn(name: string): boolean {
    const value = this.text(name);
    return value !== undefined && /^(1|t|true)$/i.test(value);
  }

  /** `readonly` and `readwrite` say the opposite of each other; the last one counts, as with BuildKit. */
  isReadonly(usual: boolean): boolean {
    const last = [...this.#values]
      .filter(([name, value]) => (name === "readonly" || name === "readwrite") && value !== "")
      .at(-1);
    if (last === undefined) return usual;
    const [name, value] = last;
    if (!/^(1|t|true|0|f|false)$/i.test(value))
      throw this.#fail(`has ${name} ${JSON.stringify(value)}, wanted is true or false`);
    return this.isOn(name) === (name === "readonly");
  }

  /** Where it appears; relative paths start at the working directory. */
  target(): string {
    const target = this.text("target");
    if (target === undefined) throw this.#fail("has no target", "Add target=PATH");
    return posix.resolve(this.#workdir, target);
  }

  octal(name: string, usual: number): number {
    const text = this.text(name);
    if (text === undefined) return usual;
    if (/^[0-7]{1,6}$/.test(text)) return Number.parseInt(text, 8) & 0o7777;
    throw this.#fail(`has ${name} ${JSON.stringify(text)}, wanted are octal digits`);
  }

  number(name: string, usual: number): number {
    const text = this.text(name);
    if (text === undefined) return usual;
    if (/^\d{1,10}$/.test(text)) return Number(text);
    throw this.#fail(`has ${name} ${JSON.stringify(text)}, wanted is a number`);
  }

  fail(message: string, hint?: string): BuildError {
    return this.#fail(message, hint);
  }

  /** As the key has them. */
  json(): JsonObject {
    return { type: this.type, ...Object.fromEntries([...this.#values].sort(([a], [b]) => (a < b ? -1 : 1))) };
  }
}

async function bindMount(context: StepContext, options: Options): Promise<PlannedMount> {
  const target = options.target();
  const path = options.text("source") ?? "";
  const files = await filesOf(context, options);
  const isWritable = !options.isReadonly(true);
  return {
    key: { ...options.json(), readonly: !isWritable, content: await contentKey(context, files, path, options) },
    open: async (scope) => {
      const source = await placeOf(context, files, path, options);
      const mount = { type: "bind", target, readonly: !isWritable } as const;
      if (!isWritable) return { mounts: [{ ...mount, source }] };
      // What is written there is gone after the step.
      return { mounts: [{ ...mount, source: await copyOf(context, source, scope) }] };
    },
  };
}

/** Throws BuildError NOT_FOUND for a name that is neither stage, context nor image. */
function filesOf(context: StepContext, options: Options): Promise<Files> {
  const from = options.text("from");
  const { plan, stage, sources } = context;
  return from === undefined ? sources.context() : sources.open(plan.origin(from, stage, options.at), stage);
}

async function contentKey(
  context: StepContext,
  { source, root }: Files,
  path: string,
  options: Options,
): Promise<string> {
  if (root !== undefined) return rootKey(root);
  const { prepareCopy } = await import("../copy/index.ts");
  const everything = { link: false, parents: false, exclude: [], workdir: "/", destination: "/" } as const;
  const request = { kind: "COPY", sources: [path === "" ? "." : path], signal: context.services.signal } as const;
  try {
    return (await prepareCopy({ ...request, ...everything }, source)).digest;
  } catch (error) {
    if (error instanceof BuildError && error.code === "NOT_FOUND") throw options.fail(error.message);
    throw error;
  }
}

/** On this machine, never outside of where it was said to be. */
async function placeOf(context: StepContext, files: Files, path: string, options: Options): Promise<string> {
  if (files.root !== undefined) {
    const directory = await context.workshop.mountedRoot(files.root);
    const inside = await files.root.realPath(bytesOf(path));
    if ((await files.root.lstat(inside)) === undefined)
      throw options.fail(`has the source ${JSON.stringify(path)}, which is not in ${files.source.description}`);
    return hostPath(directory, inside);
  }
  const top = await realpath(files.directory ?? context.request.context);
  const found = await realpath(join(top, posix.join("/", path))).catch((error: unknown) => {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw options.fail(`has the source ${JSON.stringify(path)}, which is not in ${top}`);
  });
  if (found === top || found.startsWith(top === sep ? sep : `${top}${sep}`)) return found;
  throw options.fail(`has the source ${JSON.stringify(path)}, which leads out of ${top}`);
}

async function copyOf(context: StepContext, source: string, scope: AsyncDisposableStack): Promise<string> {
  const { workshop, services } = context;
  const namespace = await workshop.namespace();
  const { makeTempDir } = await import("../../base/io/index.ts");
  const copy = await makeTempDir("bind-", await workshop.scratch());
  const enter = async (program: string, ...args: string[]): Promise<void> => {
    const entered = namespace.enter(program, args);
    await runProgram(entered.program, entered.args, { signal: services.signal });
  };
  scope.defer(() => enter("rm", "-rf", copy.path));
  const target = join(copy.path, "copy");
  await enter("cp", "-a", "--reflink=auto", source, target);
  return target;
}

async function cacheMount(context: StepContext, options: Options): Promise<PlannedMount> {
  const target = options.target();
  const id = options.text("id") ?? target;
  const sharing = (options.text("sharing") ?? "shared").toLowerCase();
  if (sharing !== "shared" && sharing !== "private" && sharing !== "locked")
    throw options.fail(`has sharing ${JSON.stringify(sharing)}, wanted is shared, private or locked`);
  const from = options.text("from");
  const files = from === undefined ? undefined : await filesOf(context, options);
  const wanted = {
    id,
    sharing,
    mode: options.octal("mode", 0o755),
    uid: options.number("uid", 0),
    gid: options.number("gid", 0),
  } as const;
  const readonly = options.isReadonly(false);
  return {
    key: { ...options.json(), readonly },
    ...(sharing === "locked" ? { lock: id } : {}),
    open: async (scope) => {
      const first =
        files === undefined ? undefined : await placeOf(context, files, options.text("source") ?? "", options);
      const source = await openCacheMount(context, { ...wanted, first }, scope);
      return { mounts: [{ type: "bind", target, source, readonly }] };
    },
  };
}

function secretMount({ request }: StepContext, options: Options): PlannedMount {
  const id = options.text("id") ?? options.text("source") ?? posix.basename(options.text("target") ?? "");
  const env = options.text("env");
  const target = options.text("target") ?? (env === undefined ? `/run/secrets/${id}` : undefined);
  const mount =
    target === undefined
      ? undefined
      : {
          target: posix.resolve("/", target),
          mode: options.octal("mode", 0o400),
          uid: options.number("uid", 0),
          gid: options.number("gid", 0),
        };
  return {
    key: options.json(),
    open: () => {
      const secret = request.secrets.find((each) => each.id === id);
      if (secret === undefined) {
        if (!options.isOn("required")) return Promise.resolve(NOTHING);
        throw options.fail(
          `wants the secret ${JSON.stringify(id)}, which was not given`,
          `Give --secret id=${id},src=FILE`,
        );
      }
      return Promise.resolve({
        mounts: mount === undefined ? [] : [{ type: "file", content: secret.bytes, ...mount } as const],
        ...(env === undefined ? {} : { env: { [env]: Buffer.from(secret.bytes).toString("utf8") } }),
      });
    },
  };
}

function tmpfsMount(options: Options): PlannedMount {
  const size = options.text("size");
  const mount: SandboxMount = {
    type: "tmpfs",
    target: options.target(),
    mode: options.octal("mode", 0o1777),
    ...(size === undefined ? {} : { sizeBytes: parseSize(size) }),
  };
  return { key: options.json(), open: () => Promise.resolve({ mounts: [mount] }) };
}

function sshMount({ request }: StepContext, options: Options, index: number): PlannedMount {
  const id = options.text("id") ?? "default";
  const target = posix.resolve("/", options.text("target") ?? `/run/buildkit/ssh_agent.${index}`);
  return {
    key: options.json(),
    open: () => {
      const source = request.sshSockets.get(id);
      if (source === undefined) {
        if (!options.isOn("required")) return Promise.resolve(NOTHING);
        throw options.fail(
          `wants the ssh agent ${JSON.stringify(id)}, which was not given`,
          `Give --ssh ${id} with SSH_AUTH_SOCK set, or --ssh ${id}=SOCKET`,
        );
      }
      return Promise.resolve({
        mounts: [{ type: "bind", source, target, readonly: false }],
        env: { SSH_AUTH_SOCK: target },
      });
    },
  };
}

function failure(
  containerfile: Parameters<typeof located>[0],
  at: Position,
  message: string,
  hint: string | undefined,
): BuildError {
  return new BuildError("BAD_VALUE", located(containerfile, at, message), hint === undefined ? {} : { hint });
}
