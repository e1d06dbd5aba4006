// The command tree, composed of define/<noun>.ts. Each action loads its command when it runs, so that `slipway --help` reads nothing else.
import { Command, CommanderError, Option } from "commander";
import type { Context } from "./context.ts";
import { defineBase } from "./define/base.ts";
import { defineBuild } from "./define/build.ts";
import { defineCompletion } from "./define/completion.ts";
import { defineCross } from "./define/cross.ts";
import { defineDisk } from "./define/disk.ts";
import { defineImages } from "./define/images.ts";
import { defineManifest } from "./define/manifest.ts";
import { defineLogin } from "./define/login.ts";
import { defineMedia } from "./define/media.ts";
import { defineRegistry } from "./define/registry.ts";
import { defineSignatures } from "./define/signatures.ts";
import { defineVm } from "./define/vm.ts";
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
  defineBuild(app, runner);
  defineImages(app, runner);
  defineManifest(app, runner);
  defineDisk(app, runner);
  defineBase(app, runner);
  defineMedia(app, runner);
  defineVm(app, runner);
  defineRegistry(app, runner);
  defineLogin(app, runner);
  defineSignatures(app, runner);
  defineCross(app, runner);
  defineCompletion(app, runner);
  return app;
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
