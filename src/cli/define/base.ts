// `slipway base …`: make bootable base images.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { collect } from "./options.ts";

export function defineBase(app: Command, runner: Runner): void {
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
  debian.action(() => runner(async () => (await import("../commands/base/debian.ts")).baseDebian, debian));
}
