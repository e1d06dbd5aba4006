// The command tree. Each action loads its command when it runs, so that `slipway --help` reads nothing else.
import { Argument, Command, CommanderError, Option } from "commander";
import { TAR_LIMITS } from "../formats/tar/index.ts";
import { completionScript, type Shell, SHELLS } from "./completion.ts";
import type { Context } from "./context.ts";
import { PROGRESS_MODES } from "./print/progress.ts";

/** A command: gets the context, its arguments and its options; returns what `--json` prints. */
export type CommandFunction = (
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
) => Promise<CommandResult>;

export interface CommandResult {
  /** For people, on standard output. */
  readonly text: string;
  /** For machines: `--json` prints this on standard output instead. */
  readonly data: object;
  readonly exitCode?: number;
}

/** Runs a loaded command with the process around it; given by the shell. */
export type Runner = (load: () => Promise<CommandFunction>, command: Command) => Promise<void>;

export function defineApp(version: string, runner: Runner): Command {
  const app = new Command("slipway")
    .description("Image mode for Linux: from a container image to bootable disks, without root.")
    .version(version)
    .option("--json", "print a machine-readable result on standard output")
    .addOption(
      new Option("--progress <mode>", "how progress looks on standard error").choices(PROGRESS_MODES).default("auto"),
    )
    .option("--store <dir>", "local image store (default: $XDG_DATA_HOME/slipway)")
    .option("--verbose", "show causes of errors")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(slipway COMMAND --help shows examples)")
    .exitOverride();
  defineDisk(app, runner);
  defineBase(app, runner);
  defineVm(app, runner);
  defineCompletion(app, runner);
  return app;
}

function defineDisk(app: Command, runner: Runner): void {
  const disk = app.command("disk").description("make and look into disks");
  const create = disk
    .command("create")
    .description("make bootable disks from a bootable container image")
    .argument("<image>", "oci:DIR[:TAG], oci-archive:FILE[:TAG], or a name in the local store")
    .option("--type <types>", "qcow2, raw, or both with a comma", "qcow2")
    .option("-o, --output <dir>", "directory for the disks", ".")
    .option("--name <name>", "file name without extension", "disk")
    .option("--size <size>", "size of the whole disk, e.g. 20G")
    .option("--root-size <size>", "size of the root partition (default: content × 1.25 + 512 MiB)")
    .option("--karg <arg>", "append a kernel argument (repeatable)", collect)
    .option("--karg-delete <arg>", "remove a kernel argument of the image (repeatable)", collect)
    .option("--target-imgref <reference>", "where the system gets its updates from, e.g. registry.example/os:1")
    .option("--arch <arch>", "take this architecture from a multi-architecture image")
    .addOption(
      new Option("--compress <method>", "compress qcow2 clusters").choices(["none", "zstd", "zlib"]).default("none"),
    )
    .option("--random-ids", "random UUIDs in place of UUIDs derived from the image")
    .option("--dry-run", "print the plan and write nothing")
    .addHelpText(
      "after",
      `
Examples:
  slipway disk create debian:trixie --type qcow2,raw -o out
  slipway disk create oci:./layout:latest --size 20G --karg console=ttyS0
  slipway disk create oci-archive:os.tar --target-imgref registry.example/os:stable --compress zstd
  slipway disk create debian:trixie --dry-run --json`,
    );
  addLimitOptions(create);
  create.action(() => runner(async () => (await import("./commands/disk/create.ts")).diskCreate, create));
}

/** One option for each cap on untrusted input. */
function addLimitOptions(command: Command): void {
  command.optionsGroup("Limits on untrusted input:");
  for (const { option, what, value } of Object.values(TAR_LIMITS)) {
    command.option(`${option} <n>`, `refuse more ${what} (default: ${value})`);
  }
  command.option("--max-expansion <n>", "refuse layers that grow more than n : 1 after the first GiB (default: 1000)");
}

function defineBase(app: Command, runner: Runner): void {
  const base = app.command("base").description("make bootable base images");
  const debian = base
    .command("debian")
    .description("make a bootable Debian image from Debian packages")
    .requiredOption("-t, --tag <name>", "name in the local store, e.g. debian:trixie")
    .addOption(
      new Option("--suite <suite>", "Debian release").choices(["bookworm", "trixie", "forky"]).default("trixie"),
    )
    .option("--include <packages>", "further packages, comma separated (repeatable)", collect)
    .addOption(new Option("--arch <arch>", "architecture (default: this machine's)").choices(["amd64", "arm64"]))
    .addOption(
      new Option("--kernel <flavour>", "kernel for clouds and VMs, or for any machine")
        .choices(["cloud", "generic"])
        .default("cloud"),
    )
    .option("--composefs", "let the image's root be a composefs (suites whose ostree has it: forky)")
    .option("--apt-option <option>", "option for apt, e.g. Acquire::Check-Valid-Until=false (repeatable)", collect)
    .option("--mirror <url>", "package mirror (repeatable; default: the machine's or Debian's)", collect)
    .addHelpText(
      "after",
      `
Examples:
  slipway base debian --suite trixie -t debian:trixie
  slipway base debian --suite trixie --include podman,curl -t edge:1
  slipway base debian --suite forky --apt-option Acquire::Check-Valid-Until=false -t debian:forky`,
    );
  debian.action(() => runner(async () => (await import("./commands/base/debian.ts")).baseDebian, debian));
}

function defineVm(app: Command, runner: Runner): void {
  const vm = app.command("vm").description("run disks and images in QEMU");
  const run = vm
    .command("run")
    .description("boot a disk or an image in QEMU")
    .argument("<disk|image>", "a .qcow2 or .raw file, or an image that a disk is made of first")
    .option("--wait", "wait until the system is up, report, and shut it down")
    .option("--timeout <seconds>", "how long --wait waits", "600")
    .option("--memory <size>", "memory of the machine", "2G")
    .option("--cpus <n>", "processors (default: what the accelerator and QEMU bear)")
    .option("--disk-size <size>", "show the guest a bigger disk")
    .option("--persist", "write to the disk itself (default: a throw-away overlay)")
    .option("--ssh-port <port>", "port on 127.0.0.1 that reaches the guest's ssh (default: a free one)")
    .addOption(
      new Option("--arch <arch>", "machine (default: the image's, else this machine's)").choices(["amd64", "arm64"]),
    )
    .addOption(new Option("--accel <accel>", "accelerator").choices(["auto", "kvm", "tcg"]).default("auto"))
    .option(
      "--exec <command>",
      "with --wait: run a command in the guest and print its output (repeatable)",
      collect,
      [],
    )
    .addHelpText(
      "after",
      `
Examples:
  slipway vm run disk.qcow2                       serial console here, Ctrl-C shuts down
  slipway vm run disk.qcow2 --wait --exec "systemctl --failed"
  slipway vm run debian:trixie --disk-size 20G`,
    );
  run.action(() => runner(async () => (await import("./commands/vm/run.ts")).vmRun, run));
}

function defineCompletion(app: Command, runner: Runner): void {
  const completion = app
    .command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText("after", `\nExample:\n  source <(slipway completion bash)`);
  completion.action(() =>
    runner(
      () =>
        Promise.resolve((_context, [shell]) => {
          const script = completionScript(shell as Shell);
          return Promise.resolve({ text: script, data: { script } });
        }),
      completion,
    ),
  );
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

export function isHelpOrVersion(error: unknown): boolean {
  return (
    error instanceof CommanderError &&
    ["commander.helpDisplayed", "commander.help", "commander.version"].includes(error.code)
  );
}

export function isUsageError(error: unknown): boolean {
  return error instanceof CommanderError;
}
