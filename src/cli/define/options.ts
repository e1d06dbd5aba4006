// Options that several commands share.
import { type Command, InvalidArgumentError, Option } from "commander";
import { TAR_LIMITS } from "../../formats/tar/index.ts";

/** Parser of a repeatable option: all its values in order. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** One option for each cap on untrusted input. */
export function addLimitOptions(command: Command): void {
  command.optionsGroup("Limits on untrusted input:");
  for (const { option, what, value } of Object.values(TAR_LIMITS)) {
    command.option(`${option} <n>`, `refuse more ${what} (default: ${value})`);
  }
  command.option("--max-expansion <n>", "refuse layers that grow more than n : 1 after the first GiB (default: 1000)");
}

/** How registries are reached; `openPlaces` reads them. */
export function addRegistryOptions(command: Command): Command {
  return command
    .option("--authfile <file>", "credentials (default: $REGISTRY_AUTH_FILE, then those of podman, Docker and ostree)")
    .option("--cert-dir <dir>", "certificates for registries (default: certs.d)")
    .option("--registries-conf <file>", "mirrors, short names, blocked registries (default: registries.conf)")
    .addOption(
      new Option("--tls-verify <bool>", "whether registries must prove who they are (default: true)")
        .choices(["true", "false"])
        .argParser(parseBool),
    );
}

/** Which signatures images must have. */
export function addPolicyOption(command: Command): Command {
  return command.option("--policy <file>", "signature policy (default: containers-policy.json(5))");
}

export function addReferrersOption(command: Command): Command {
  return command.option("--referrers", "with all that refers to the image, such as SBOMs (default: its signatures)");
}

/** What copy and push do with images on their way. */
export function addCopyOptions(command: Command): Command {
  return addReferrersOption(command)
    .option("--preserve-digests", "fail rather than change anything that has a digest")
    .addOption(new Option("--compress <method>", "compress layers anew: other digests").choices(["gzip", "zstd"]))
    .option("--allow-redistribution", "push to a public registry what its licence does not let everybody have");
}

function parseBool(text: string): boolean {
  if (text === "true") return true;
  if (text === "false") return false;
  throw new InvalidArgumentError("want true or false");
}
