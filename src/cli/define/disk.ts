// `slipway disk …`: make and look into disks.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { addLimitOptions, addPolicyOption, addRegistryOptions, collect } from "./options.ts";

export function defineDisk(app: Command, runner: Runner): void {
  const disk = app.command("disk").description("make and look into disks");
  const create = disk
    .command("create")
    .description("make bootable disks from a bootable container image")
    .argument(
      "<image>",
      "a name in the local store, docker://HOST/NAME[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG], …",
    )
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
  slipway disk create docker://registry.example/os:stable -o out
  slipway disk create oci-archive:os.tar --target-imgref registry.example/os:stable --compress zstd
  slipway disk create debian:trixie --dry-run --json`,
    );
  addLimitOptions(create);
  addRegistryOptions(addPolicyOption(create));
  create.action(() => runner(async () => (await import("../commands/disk/create.ts")).diskCreate, create));
}
