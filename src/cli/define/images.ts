// `slipway copy`, `push`, `pull`, `images`, `rm`, `prune`, `inspect`: the life of images.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { addCopyOptions, addLimitOptions, addPolicyOption, addReferrersOption, addRegistryOptions } from "./options.ts";

const NAMES = `
Names: docker://HOST/NAME[:TAG|@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], dir:DIR,
containers-storage:NAME. A name without these is looked up in the local store, then at its registry.`;

export function defineImages(app: Command, runner: Runner): void {
  defineCopy(app, runner);
  definePull(app, runner);
  definePush(app, runner);
  defineStore(app, runner);
  defineInspect(app, runner);
}

function defineCopy(app: Command, runner: Runner): void {
  const copy = app
    .command("copy")
    .description("copy an image from anywhere to anywhere")
    .argument("<source>", "name of the image")
    .argument("<destination>", "where it goes")
    .option("--all", "all platforms of a multi-platform image")
    .addOption(new Option("--platform <platform>", "this platform, such as linux/arm64").conflicts("all"));
  addRegistryOptions(addPolicyOption(addCopyOptions(copy))).addHelpText(
    "after",
    `${NAMES}

Examples:
  slipway copy docker://registry.example/os:1 oci:./layout:1
  slipway copy --all docker://registry.example/os:1 docker://mirror.example/os:1
  slipway copy debian:trixie oci-archive:os.tar:latest --compress zstd
  slipway copy --all --referrers docker://registry.example/os:1 oci:./layout:1
  slipway copy docker-archive:saved.tar dir:./out`,
  );
  copy.action(() => runner(async () => (await import("../commands/image/copy.ts")).copy, copy));
}

function definePull(app: Command, runner: Runner): void {
  const pull = app
    .command("pull")
    .description("copy images from a registry into the local store, as they are")
    .argument("<image...>", "HOST/NAME[:TAG|@DIGEST], or a short name of registries.conf")
    .option("--all", "all platforms of a multi-platform image")
    .addOption(new Option("--platform <platform>", "this platform, such as linux/arm64").conflicts("all"));
  addRegistryOptions(addPolicyOption(addReferrersOption(pull))).addHelpText(
    "after",
    `
Examples:
  slipway pull registry.example/os:1
  slipway pull --platform linux/arm64 docker://registry.example/os:1`,
  );
  pull.action(() => runner(async () => (await import("../commands/image/pull.ts")).pull, pull));
}

function definePush(app: Command, runner: Runner): void {
  const push = app
    .command("push")
    .description("copy an image of the local store to a registry")
    .argument("<image>", "name in the local store")
    .argument("[destination]", "where it goes (default: the registry of its name)");
  addRegistryOptions(addPolicyOption(addCopyOptions(push))).addHelpText(
    "after",
    `
Examples:
  slipway push registry.example/os:1
  slipway push debian:trixie docker://registry.example/debian:trixie
  slipway push os:1 registry.example/os:1 --compress zstd`,
  );
  push.action(() => runner(async () => (await import("../commands/image/push.ts")).push, push));
}

function defineStore(app: Command, runner: Runner): void {
  const images = app
    .command("images")
    .description("list the images of the local store, and how much room they take")
    .argument("[name]", "only images whose names contain this")
    .addHelpText("after", `\nExamples:\n  slipway images\n  slipway images debian --json`);
  images.action(() => runner(async () => (await import("../commands/image/images.ts")).images, images));
  const rm = app
    .command("rm")
    .description("forget names of the local store; `prune` frees the room")
    .argument("<image...>", "names in the local store")
    .addHelpText("after", `\nExample:\n  slipway rm debian:trixie && slipway prune --yes`);
  rm.action(() => runner(async () => (await import("../commands/image/rm.ts")).rm, rm));
  const prune = app
    .command("prune")
    .description(
      "remove what no name of the local store leads to, decompressed layers of other images, and kept roots of builds",
    )
    .option("--dry-run", "only say what would be removed")
    .option("--yes", "do not ask")
    .addHelpText("after", `\nExamples:\n  slipway prune --dry-run\n  slipway prune --yes`);
  prune.action(() => runner(async () => (await import("../commands/image/prune.ts")).prune, prune));
}

function defineInspect(app: Command, runner: Runner): void {
  const inspect = app
    .command("inspect")
    .description("show an image: configuration, layers with their sizes and what each adds")
    .argument("<image>", "name of the image")
    .option("--platform <platform>", "which image of a multi-platform one (default: this machine's)")
    .addOption(new Option("--raw", "print the manifest or index as it is").conflicts(["config", "kernel"]))
    .addOption(new Option("--config", "print the configuration as it is").conflicts(["raw", "kernel"]))
    .option("--kernel", "print the version of the kernel of a bootable image")
    .option("--layers", "read the layers for what they add (default: only when the cache has them)");
  addLimitOptions(inspect);
  addRegistryOptions(inspect).addHelpText(
    "after",
    `${NAMES}

Examples:
  slipway inspect debian:trixie
  slipway inspect --layers docker://registry.example/os:1
  slipway inspect --raw docker://registry.example/os:1
  slipway inspect --kernel oci-archive:os.tar`,
  );
  inspect.action(() => runner(async () => (await import("../commands/image/inspect.ts")).inspect, inspect));
}
