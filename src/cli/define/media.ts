// `slipway media …`: disks and installation media kept in registries.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { addLimitOptions, addPolicyOption, addRegistryOptions } from "./options.ts";

export function defineMedia(app: Command, runner: Runner): void {
  const media = app.command("media").description("keep disks and ISO files in registries");
  definePush(media, runner);
  defineFetch(media, runner);
}

function definePush(media: Command, runner: Runner): void {
  const push = media
    .command("push")
    .description("put a qcow2, raw or ISO file into a registry: as an OCI artifact, or as a container disk")
    .argument("<file>", "the disk; what it is is told from its bytes")
    .argument(
      "<destination>",
      "HOST/NAME[:TAG], a short name for the local store, oci:DIR[:TAG], oci-archive:FILE[:TAG], …",
    )
    .option("--container-disk", "as an image with /disk/boot.qcow2 (boot.img, boot.iso), as KubeVirt runs it")
    .option("--arch <arch>", "architecture of a container disk (default: this machine's)")
    .addOption(new Option("--compress <method>", "compress the layer").choices(["zstd"]))
    .addHelpText(
      "after",
      `
Examples:
  slipway media push disk.qcow2 registry.example/disks/debian:13
  slipway media push disk.raw registry.example/disks/debian:13-raw --compress zstd
  slipway media push disk.qcow2 registry.example/vm/debian:13 --container-disk --arch arm64
  slipway media push install.iso oci:./media:install`,
    );
  addRegistryOptions(push);
  push.action(() => runner(async () => (await import("../commands/media/push.ts")).mediaPush, push));
}

function defineFetch(media: Command, runner: Runner): void {
  const pull = media
    .command("pull")
    .description("fetch a disk from a registry, artifact or container disk, into a file")
    .argument("<name>", "HOST/NAME[:TAG|@DIGEST], or a short name of registries.conf");
  addFetchOptions(pull).addHelpText(
    "after",
    `
Without --output the file gets the name that it has in the registry; nothing that exists is replaced then.

Examples:
  slipway media pull registry.example/disks/debian:13
  slipway media pull registry.example/disks/debian:13 -o /var/lib/libvirt/images/
  slipway media pull registry.example/vm/debian:13 -o debian.qcow2 --arch arm64`,
  );
  pull.action(() => runner(async () => (await import("../commands/media/pull.ts")).mediaPull, pull));

  const extract = media
    .command("extract")
    .description("take the disk out of a container disk or an artifact, wherever it is")
    .argument("<image>", "a name in the local store, docker://HOST/NAME[:TAG], oci:DIR[:TAG], docker-archive:FILE, …");
  addFetchOptions(extract).addHelpText(
    "after",
    `
Examples:
  slipway media extract oci-archive:debian-vm.tar -o debian.qcow2
  slipway media extract docker://quay.io/containerdisks/debian:13 -o debian.qcow2
  slipway media extract debian-vm:13 -o disks/`,
  );
  extract.action(() => runner(async () => (await import("../commands/media/extract.ts")).mediaExtract, extract));
}

function addFetchOptions(command: Command): Command {
  command
    .option("-o, --output <path>", "file to write, or an existing directory for it (default: the current one)")
    .option("--file <name>", "which file, when there are several")
    .option("--arch <arch>", "take this architecture from a multi-architecture image");
  addLimitOptions(command);
  return addRegistryOptions(addPolicyOption(command));
}
