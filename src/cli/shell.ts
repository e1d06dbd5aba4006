// Around every command: context from the process, result to standard output, error to standard error, exit code.
import type { Command } from "commander";
import { systemErrorCode } from "../base/errors.ts";
import { collectForStreams, restoreFlags } from "../base/memory.ts";
import { type CommandFunction, defineApp, isHelpOrVersion, isUsageError } from "./app.ts";
import { completeWords } from "./completion.ts";
import { type Context, storePath } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import { errorJson, formatError } from "./print/error.ts";
import { createProgress, type ProgressMode } from "./print/progress.ts";
import { VERSION } from "./version.ts";

/** Runs `slipway ARGS`; resolves with the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreBrokenPipe);
  let exitCode: number = EXIT.ok;
  const app = defineApp(VERSION, async (load, command) => {
    exitCode = await runCommand(load, command, interrupt.signal);
  });
  // Words to complete are not a command line: they may end in half an option.
  if (args[0] === "__complete") {
    process.stdout.write(
      completeWords(app, args.slice(1))
        .map((word) => `${word}\n`)
        .join(""),
    );
    return EXIT.ok;
  }
  try {
    await app.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (isHelpOrVersion(error)) return EXIT.ok;
    if (isUsageError(error)) return EXIT.usage;
    throw error;
  }
}

/** A reader that has seen enough, such as head, ends no command. */
function ignoreBrokenPipe(error: Error): void {
  if (systemErrorCode(error) !== "EPIPE") throw error;
}

async function runCommand(
  load: () => Promise<CommandFunction>,
  command: Command,
  signal: AbortSignal,
): Promise<number> {
  collectForStreams();
  const options: Record<string, unknown> = command.optsWithGlobals();
  const json = options["json"] === true;
  const progress = createProgress(options["progress"] as ProgressMode, {
    isTerminal: process.stderr.isTTY,
    write: (text) => process.stderr.write(text),
    now: () => performance.now(),
    columns: () => process.stderr.columns,
  });
  const context: Context = {
    env: process.env,
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    progress,
    json,
    storePath: storePath(options["store"] as string | undefined, process.env),
    signal,
  };
  try {
    const result = await (await load())(context, command.args, options);
    if (json) context.stdout(`${JSON.stringify({ ...result.data, stageSeconds: progress.seconds }, null, 2)}\n`);
    else context.stdout(result.text);
    return result.exitCode ?? EXIT.ok;
  } catch (error) {
    progress.close();
    if (json) context.stdout(`${JSON.stringify(errorJson(error), null, 2)}\n`);
    context.stderr(formatError(error, options["verbose"] === true));
    return exitCodeOf(error);
  } finally {
    restoreFlags();
  }
}
