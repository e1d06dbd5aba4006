// RUN: the stage's root on disk, the command in a sandbox on it, and what it changed as a layer.
import { run as runProgram } from "../../base/process/index.ts";
import { PROXY_ARGS } from "../arguments.ts";
import { located, type Run } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import { hostPath, type WorkRoot } from "../root/index.ts";
import type { Namespace, SandboxMount, SandboxRun } from "../sandbox/index.ts";
import { runEnvironment, type StageState } from "../state.ts";
import { lookUpUser } from "../users.ts";
import { lockCaches } from "./cache-mount.ts";
import { keepLayer, keyOf, onceABuild, type StepContext, type StepOutcome } from "./context.ts";
import { runCommand, type RunCommand } from "./run-command.ts";
import { missingDirectories } from "./missing-directories.ts";
import { planMounts, type PlannedMount } from "./run-mounts.ts";
import { RunOutput } from "./run-output.ts";

/** Throws BuildError RUN_FAILED, SANDBOX, SECRET_LEAKED, and what its parts throw. */
export async function run(context: StepContext, before: StageState, instruction: Run): Promise<StepOutcome> {
  const { request, workshop } = context;
  const workdir = before.config.workingDir === "" ? "/" : before.config.workingDir;
  const command = runCommand(instruction, before.config);
  const mounts = await planMounts(context, instruction, workdir);
  const network = networkOf(context, instruction);
  assertSandboxed(context, instruction);
  const { labels } = before.config;
  const key = keyOf(context, before, "RUN", {
    argv: command.argv,
    file: command.file ?? null,
    // Proxies that nobody declared change how something is fetched, not what.
    env: Object.entries(runEnvironment(before, new Map())).sort(([a], [b]) => (a < b ? -1 : 1)),
    network,
    mounts: mounts.map((mount) => mount.key),
    volumes: request.volumes,
    isBootable: labels.has("containers.bootc") || labels.has("ostree.bootable"),
  });
  const planned = { instruction, command, mounts, network, workdir, key };
  return onceABuild(context, before, key, () => workshop.inTurn(() => execute(context, before, planned)));
}

interface PlannedRun {
  readonly instruction: Run;
  readonly command: RunCommand;
  readonly mounts: readonly PlannedMount[];
  readonly network: "host" | "none";
  readonly workdir: string;
  readonly key: string;
}

async function execute(context: StepContext, before: StageState, planned: PlannedRun): Promise<StepOutcome> {
  const { request, services, workshop, disk, step } = context;
  // It is made while the rest is read.
  const opening = workshop.namespace();
  const emulator = await workshop.emulator(context.platform.architecture);
  const user = await lookUpUser(before.root, before.config.user);
  const work = await disk.open(before.root);
  const namespace = await opening;
  await makeDirectories(before, work, namespace, services);
  const output = await RunOutput.open(request.secrets, (text) => services.report({ type: "output", step, text }));
  {
    await using scope = new AsyncDisposableStack();
    const mounts: SandboxMount[] = request.volumes.map(({ source, target, readonly }) => ({
      type: "bind",
      source,
      target,
      readonly,
    }));
    let env = { HOME: user.home, ...runEnvironment(before, proxiesOf(context)) };
    await lockCaches(
      context,
      planned.mounts.flatMap(({ lock }) => lock ?? []),
      scope,
    );
    for (const mount of planned.mounts) {
      const opened = await mount.open(scope);
      mounts.push(...opened.mounts);
      env = { ...env, ...opened.env };
    }
    const { file } = planned.command;
    if (file !== undefined) {
      const content = Buffer.from(file.content, "utf8");
      mounts.push({ type: "file", target: file.path, content, mode: 0o555, uid: user.uid, gid: user.gid });
    }
    const { runInSandbox } = await import("../sandbox/index.ts");
    const options: SandboxRun = {
      root: work.directory,
      argv: planned.command.argv,
      env,
      cwd: planned.workdir,
      uid: user.uid,
      gid: user.gid,
      groups: user.groups,
      mounts,
      network: planned.network,
      signal: services.signal,
      onReady: () => {
        work.prepare();
        void import("../finish/index.ts");
      },
      onOutput: (stream, chunk) => output.push(stream, chunk),
      onNote: (message) => services.report({ type: "output", step, text: `note: ${message}` }),
      ...(emulator === undefined ? {} : { emulator }),
    };
    const { exitCode } = await runInSandbox(namespace, options);
    output.end();
    if (exitCode !== 0) throw await failed(context, planned.instruction, exitCode, output.tail());
  }
  return keepChanges(context, before, planned.key, work);
}

async function keepChanges(
  context: StepContext,
  before: StageState,
  key: string,
  work: WorkRoot,
): Promise<StepOutcome> {
  const { epochSeconds } = context.request;
  const changes = await work.changes(epochSeconds === undefined ? {} : { epochSeconds });
  const { clearLeftovers } = await import("../finish/index.ts");
  const { entries, leftovers } = clearLeftovers(changes, Object.fromEntries(before.config.labels));
  const keeping = keepLayer(context, before, key, entries);
  if (context.isLastRun) context.disk.turnBack();
  const kept = await keeping;
  // The next RUN finds what the layers have, whether this one was cached or not.
  if (leftovers.length > 0) context.disk.drop();
  else context.disk.settle(kept.root);
  return kept;
}

function networkOf({ expand, request, containerfile }: StepContext, instruction: Run): "host" | "none" {
  const text = instruction.network === undefined ? "default" : expand(instruction.network);
  if (text === "host" || text === "none") return text;
  if (text === "" || text === "default") return request.network === "none" ? "none" : "host";
  const at = instruction.network?.at ?? instruction.at;
  throw new BuildError("BAD_VALUE", located(containerfile, at, `RUN has no network ${JSON.stringify(text)}`), {
    hint: "Write default, host or none",
  });
}

/** `--security=insecure` would be a sandbox without walls. */
function assertSandboxed({ expand, containerfile }: StepContext, { security }: Run): void {
  if (security === undefined || ["", "sandbox"].includes(expand(security))) return;
  const message = `RUN cannot have the security ${JSON.stringify(security.text)}: every step runs in a sandbox`;
  throw new BuildError("UNSUPPORTED", located(containerfile, security.at, message), {
    hint: "Leave the option out, or build with --driver buildah",
  });
}

/** This machine's proxies, and those of `--build-arg`. */
function proxiesOf({ services, request }: StepContext): ReadonlyMap<string, string> {
  const proxies = new Map<string, string>();
  for (const name of PROXY_ARGS) {
    const value = request.args.get(name) ?? services.env[name];
    if (value !== undefined && value !== "") proxies.set(name, value);
  }
  return proxies;
}

/** VOLUME paths that no layer has yet, and a base's WORKDIR, become part of this step's layer; root's. */
async function makeDirectories(
  before: StageState,
  work: WorkRoot,
  namespace: Namespace,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const { volumes, workingDir } = before.config;
  for (const { path, uid, gid } of await missingDirectories(before.root, [...volumes, workingDir], 0)) {
    const name = hostPath(work.directory, path);
    const made = namespace.enter("install", ["-d", "-m", "0755", "-o", String(uid), "-g", String(gid), name]);
    await runProgram(made.program, made.args, { signal });
  }
}

async function failed(context: StepContext, instruction: Run, exitCode: number, output: string): Promise<BuildError> {
  const { explainFailure } = await import("../failures/index.ts");
  const { firstError, rule } = explainFailure(output);
  const what = `RUN exited with ${exitCode}`;
  const because = rule?.cause ?? firstError;
  const message = located(context.containerfile, instruction.at, because === undefined ? what : `${what}: ${because}`);
  const data = {
    exitCode,
    stage: context.step.stage,
    step: context.step.number,
    line: instruction.at.line,
    firstError: firstError ?? null,
    rule: rule?.id ?? null,
  };
  // With a single id that is what most steps fail of.
  const { cure } = await context.workshop.namespace();
  const hint = rule?.cure ?? cure;
  const shown = rule !== undefined && firstError !== undefined ? `${message}\n  first error: ${firstError}` : message;
  return new BuildError("RUN_FAILED", shown, { data, ...(hint === undefined ? {} : { hint }) });
}
