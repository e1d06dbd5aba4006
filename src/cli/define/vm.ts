// `slipway vm …`: run disks and images in QEMU.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { addPolicyOption, addRegistryOptions, collect } from "./options.ts";

export function defineVm(app: Command, runner: Runner): void {
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
  addRegistryOptions(addPolicyOption(run));
  run.action(() => runner(async () => (await import("../commands/vm/run.ts")).vmRun, run));
}
