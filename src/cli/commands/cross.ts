// `slipway cross enable|disable|status [ARCH]`: shows what it will write, asks, writes.
import {
  applyCross,
  type CrossStatus,
  crossStatus as readStatus,
  type CrossWrite,
  handlerName,
  planDisable,
  planEnable,
} from "../../build/index.ts";
import type { CommandFunction, CommandResult } from "../app.ts";
import { confirm } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatTable } from "../print/table.ts";
import { UsageError } from "../usage.ts";

export const crossEnable: CommandFunction = async (context, [architecture = ""], options) => {
  const writes = await planEnable(architecture, context.env);
  const done = `${architecture} programs run on this machine until the next boot (handler ${handlerName(architecture)})\n`;
  return await write(context, options, writes, done, `nothing to do: ${architecture} programs run here already\n`);
};

export const crossDisable: CommandFunction = async (context, [architecture = ""], options) => {
  const writes = await planDisable(architecture);
  const done = `handler ${handlerName(architecture)} is gone\n`;
  return await write(context, options, writes, done, `nothing to do: there is no ${handlerName(architecture)}\n`);
};

async function write(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  writes: readonly CrossWrite[],
  done: string,
  nothing: string,
): Promise<CommandResult> {
  if (writes.length === 0) return { text: nothing, data: { writes: [] } };
  const shown = writes.map(({ path, text }) => `write to ${path}: ${text}\n`).join("");
  if (options["yes"] !== true) {
    const answer = await confirm(context, `${shown}Go on?`);
    if (answer === false) return { text: "nothing was changed\n", data: { writes: [] } };
    if (answer === undefined) {
      throw new UsageError("BAD_OPTION", `cannot change this machine's handlers without a yes: would ${shown.trim()}`, {
        hint: "Give --yes",
      });
    }
  }
  await applyCross(writes);
  return { text: shown + done, data: { writes } };
}

const WAYS: Readonly<Record<CrossStatus["runs"], string>> = {
  native: "by itself",
  sandbox: "in builds, by qemu",
  host: "by this machine's handler",
  no: "no",
};

export const crossStatus: CommandFunction = async (context, [architecture]) => {
  const statuses = await readStatus(context.env, architecture);
  const rows = statuses.map((each) => [
    each.architecture,
    WAYS[each.runs],
    each.emulator ?? "",
    each.handlers.join(", "),
  ]);
  return {
    text: formatTable(["ARCHITECTURE", "RUNS", "EMULATOR", "HANDLERS OF THIS MACHINE"], rows),
    data: { architectures: statuses },
  };
};
