// `slipway vm run DISK|IMAGE`: a machine on this terminal, or with --wait one that is started, asked and stopped.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { makeTempDir } from "../../../base/io/index.ts";
import { inStage } from "../../../base/progress.ts";
import { parseSize } from "../../../base/size.ts";
import { startVm, type Vm, VmError, type VmOptions } from "../../../vm/index.ts";
import type { CommandFunction, CommandResult } from "../../app.ts";
import type { Context } from "../../context.ts";
import { prepareSystemDisk, writeDisk } from "../../system-disk.ts";
import { openSystemImage } from "../../system-image.ts";
import { sourceDateEpoch } from "../../usage.ts";

interface Options {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly memory: string;
  readonly cpus?: string;
  readonly diskSize?: string;
  readonly persist?: boolean;
  readonly sshPort?: string;
  readonly arch?: string;
  readonly accel: "auto" | "kvm" | "tcg";
  readonly secureBoot?: boolean;
  readonly exec?: readonly string[];
}

export const vmRun: CommandFunction = async (context, args, rawOptions) => {
  const options = rawOptions as unknown as Options;
  const vmOptions = parseVmOptions(options, context);
  const timeoutMs = wholeNumber("--timeout", options.timeout, 1, 86_400) * 1000;
  const [name = ""] = args;
  await using made = await diskOf(context, name, rawOptions);
  await using vm = await startVm({
    ...vmOptions,
    disk: made.path,
    ...(made.arch === undefined ? {} : { architecture: made.arch }),
  });
  if (options.wait === true || (options.exec ?? []).length > 0)
    return await askAndStop(context, vm, timeoutMs, options.exec ?? []);
  return await attach(context, vm);
};

function parseVmOptions(options: Options, context: Context): Omit<VmOptions, "disk"> {
  return {
    accelerator: options.accel,
    memoryBytes: parseSize(options.memory),
    persist: options.persist === true,
    secureBoot: options.secureBoot === true,
    onNotice: (message) => context.progress.warn(message),
    ...(options.arch === undefined ? {} : { architecture: options.arch }),
    ...(options.cpus === undefined ? {} : { cpus: wholeNumber("--cpus", options.cpus, 1, 256) }),
    ...(options.sshPort === undefined ? {} : { sshPort: wholeNumber("--ssh-port", options.sshPort, 1, 65_535) }),
    ...(options.diskSize === undefined ? {} : { diskSizeBytes: parseSize(options.diskSize) }),
  };
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new VmError("BAD_OPTION", `cannot use ${option} "${text}": want a whole number from ${least} to ${most}`);
}

interface DiskToRun extends AsyncDisposable {
  readonly path: string;
  /** Of the image, when a disk was made of one. */
  readonly arch?: string;
}

/** A file is a disk; anything else is the name of an image, of which a throw-away disk is made. */
async function diskOf(
  context: Context,
  name: string,
  rawOptions: Readonly<Record<string, unknown>>,
): Promise<DiskToRun> {
  const found = await stat(name).catch(() => undefined);
  if (found?.isFile() === true) return { path: name, [Symbol.asyncDispose]: () => Promise.resolve() };
  const temporary = await makeTempDir("slipway-disk-");
  try {
    await using image = await openSystemImage(context, name, rawOptions);
    const epoch = sourceDateEpoch(context.env);
    const disk = await prepareSystemDisk(context, image, {
      kargs: [],
      kargDeletes: [],
      randomIds: false,
      ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
    });
    const path = join(temporary.path, "disk.qcow2");
    await writeDisk(context, disk, [{ format: "qcow2", path }]);
    return { path, arch: image.architecture, [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose]() };
  } catch (error) {
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}

async function askAndStop(
  context: Context,
  vm: Vm,
  timeoutMs: number,
  commands: readonly string[],
): Promise<CommandResult> {
  const { signal } = context;
  const boot = await inStage(context.progress, "boot", undefined, () => vm.waitForBoot({ timeoutMs, signal }));
  const exec = [];
  for (const command of commands) {
    const { exitCode, stdout, stderr } = await vm.exec(command, { timeoutMs, signal });
    exec.push({ command, exitCode, stdout, stderr });
  }
  const clean = await inStage(context.progress, "shut down", undefined, () => vm.shutdown());
  const failed = exec.find(({ exitCode }) => exitCode !== 0);
  const outputs = exec.map(({ command, stdout, stderr }) => `$ ${command}\n${stdout}${stderr}`);
  const summary = `${boot.state} after ${boot.seconds.toFixed(0)} s (${vm.accelerator})${clean ? "" : "; it did not shut down and was stopped"}\n`;
  return {
    text: outputs.join("") + summary,
    data: { state: boot.state, bootSeconds: boot.seconds, accelerator: vm.accelerator, cleanShutdown: clean, exec },
    ...(failed === undefined ? {} : { exitCode: 1 }),
  };
}

const CTRL_C = 3;
const POLL_MS = 1000;

/** The serial console on this terminal, until the machine stops or Ctrl-C shuts it down. */
async function attach(context: Context, vm: Vm): Promise<CommandResult> {
  context.stderr(`serial console of the machine; ssh on 127.0.0.1:${vm.sshPort}; Ctrl-C shuts it down\n`);
  vm.console.onData((chunk) => process.stdout.write(chunk));
  const stop = new AbortController();
  context.signal.addEventListener("abort", () => stop.abort(), { once: true });
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  const onInput = (chunk: Buffer): void => (chunk.includes(CTRL_C) ? stop.abort() : vm.type(chunk));
  stdin.on("data", onInput);
  try {
    while (!stop.signal.aborted && !(await vm.waitForExit(POLL_MS)));
    const clean = await vm.shutdown();
    return { text: clean ? "" : "the machine did not shut down and was stopped\n", data: { cleanShutdown: clean } };
  } finally {
    stdin.removeListener("data", onInput);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }
}
