// `slipway cross …`: programs of other architectures on this machine.
import type { Command } from "commander";
import type { Runner } from "../app.ts";

export function defineCross(app: Command, runner: Runner): void {
  const cross = app.command("cross").description("let builds run programs of other architectures on older kernels");
  const enable = cross
    .command("enable")
    .description("give this machine a handler for an architecture's programs, until the next boot; needs root")
    .argument("<arch>", "arm64, amd64, riscv64, …")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      `
From Linux 6.7 on builds need none of this: each one has handlers of its own, without root.

Example:
  slipway cross enable arm64 --yes`,
    );
  enable.action(() => runner(async () => (await import("../commands/cross.ts")).crossEnable, enable));
  const disable = cross
    .command("disable")
    .description("take away what enable gave; handlers of others stay; needs root")
    .argument("<arch>", "as given to enable")
    .option("--yes", "do not ask")
    .addHelpText("after", "\nExample:\n  slipway cross disable arm64 --yes");
  disable.action(() => runner(async () => (await import("../commands/cross.ts")).crossDisable, disable));
  const status = cross
    .command("status")
    .description("show how programs of other architectures run here")
    .argument("[arch]", "this one only")
    .addHelpText("after", "\nExample:\n  slipway cross status");
  status.action(() => runner(async () => (await import("../commands/cross.ts")).crossStatus, status));
}
