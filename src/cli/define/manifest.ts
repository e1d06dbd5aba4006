// `slipway manifest …`: images of several platforms under one name.
import type { Command } from "commander";
import type { Runner } from "../app.ts";
import { addRegistryOptions, collect } from "./options.ts";

export function defineManifest(app: Command, runner: Runner): void {
  const manifest = app.command("manifest").description("put images of several platforms under one name");
  defineCreateAndAdd(manifest, runner);
  defineChanges(manifest, runner);
  const push = manifest
    .command("push")
    .description("copy a list with all its images to a registry; each one is checked to exist before anything is sent")
    .argument("<list>", "name in the local store")
    .argument("[destination]", "where it goes (default: the registry of its name)")
    .option("--allow-redistribution", "push to a public registry what its licence does not let everybody have");
  addRegistryOptions(push).addHelpText(
    "after",
    `\nExample:\n  slipway manifest push os:1 docker://registry.example/os:1`,
  );
  push.action(() => runner(async () => (await import("../commands/manifest/push.ts")).manifestPush, push));
  const inspect = manifest
    .command("inspect")
    .description("show what a list holds")
    .argument("<list>", "name of a list: in the local store, at a registry, or with a transport")
    .option("--arches", "print the architectures only, one a line");
  addRegistryOptions(inspect).addHelpText(
    "after",
    `\nExample:\n  slipway manifest inspect --arches registry.example/os:1`,
  );
  inspect.action(() => runner(async () => (await import("../commands/manifest/inspect.ts")).manifestInspect, inspect));
}

function defineCreateAndAdd(manifest: Command, runner: Runner): void {
  const create = manifest
    .command("create")
    .description("make a list in the local store, with these images in it")
    .argument("<list>", "name of the new list")
    .argument("[image...]", "images, each checked to exist")
    .option("-a, --amend", "add to the list if it is there already")
    .option("--annotation <key=value>", "annotation of the list (repeatable)", collect);
  addRegistryOptions(create).addHelpText(
    "after",
    `
Example:
  slipway manifest create os:1 docker://registry.example/os:linux-amd64 docker://registry.example/os:linux-arm64`,
  );
  create.action(() => runner(async () => (await import("../commands/manifest/create.ts")).manifestCreate, create));
  const add = manifest
    .command("add")
    .description("add images to a list")
    .argument("<list>", "name in the local store")
    .argument("<image...>", "images, each checked to exist");
  addPlatformOptions(add);
  addRegistryOptions(add).addHelpText("after", `\nExample:\n  slipway manifest add os:1 localhost/os:linux-arm64`);
  add.action(() => runner(async () => (await import("../commands/manifest/create.ts")).manifestAdd, add));
}

function defineChanges(manifest: Command, runner: Runner): void {
  const annotate = manifest
    .command("annotate")
    .description("change what a list says of one of its images")
    .argument("<list>", "name in the local store")
    .argument("<image>", "digest of the image, or its name");
  addPlatformOptions(annotate);
  addRegistryOptions(annotate).addHelpText(
    "after",
    `\nExample:\n  slipway manifest annotate os:1 sha256:… --arch arm --variant v7`,
  );
  annotate.action(() =>
    runner(async () => (await import("../commands/manifest/change.ts")).manifestAnnotate, annotate),
  );
  const remove = manifest
    .command("remove")
    .description("take images out of a list")
    .argument("<list>", "name in the local store")
    .argument("<digest...>", "digests of the images")
    .addHelpText("after", `\nExample:\n  slipway manifest remove os:1 sha256:…`);
  remove.action(() => runner(async () => (await import("../commands/manifest/change.ts")).manifestRemove, remove));
}

function addPlatformOptions(command: Command): void {
  command
    .option("--os <os>", "in place of what the image says")
    .option("--arch <arch>", "in place of what the image says")
    .option("--variant <variant>", "in place of what the image says")
    .option("--annotation <key=value>", "annotation of the entry (repeatable)", collect);
}
