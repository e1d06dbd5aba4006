// `slipway completion SHELL`.
import { Argument, type Command } from "commander";
import type { Runner } from "../app.ts";
import { completionScript, type Shell, SHELLS } from "../completion.ts";

export function defineCompletion(app: Command, runner: Runner): void {
  const completion = app
    .command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText("after", `\nExample:\n  source <(slipway completion bash)`);
  completion.action(() =>
    runner(
      () =>
        Promise.resolve((_context, [shell]) => {
          const script = completionScript(shell as Shell);
          return Promise.resolve({ text: script, data: { script } });
        }),
      completion,
    ),
  );
}
