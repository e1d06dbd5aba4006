// HEALTHCHECK [flags] CMD command, HEALTHCHECK NONE.
import { parseDurationMs } from "./duration.ts";
import type { Healthcheck } from "./instruction.ts";
import type { Statement } from "./statement.ts";
import { splitOnce } from "./words.ts";

const HEALTH_FLAGS = {
  interval: "value",
  timeout: "value",
  "start-period": "value",
  "start-interval": "value",
  retries: "value",
} as const;

export function parseHealthcheck(statement: Statement): Healthcheck {
  const flags = statement.flags(HEALTH_FLAGS);
  const { text, offset } = statement.needed("CMD or NONE", "CMD COMMAND");
  const [type, rest] = splitOnce(text, offset) ?? [{ text, offset }];
  const start = { ...statement.base, kind: "HEALTHCHECK" } as const;
  if (type.text.toUpperCase() === "NONE") {
    if (rest !== undefined) throw statement.fail(rest.offset, "HEALTHCHECK NONE takes nothing more");
    return { ...start, check: "none" };
  }
  if (type.text.toUpperCase() !== "CMD")
    throw statement.fail(
      type.offset,
      `HEALTHCHECK has no form ${JSON.stringify(type.text)}`,
      "Write HEALTHCHECK CMD COMMAND",
    );
  const command = rest === undefined ? undefined : statement.command(rest);
  if (command === undefined || (command.form === "exec" && command.argv.length === 0))
    throw statement.fail(type.offset, "HEALTHCHECK CMD has no command", "Write HEALTHCHECK CMD COMMAND");
  const duration = (name: keyof typeof HEALTH_FLAGS): number | undefined => {
    const word = flags.value(name);
    const ms = word === undefined ? 0 : parseDurationMs(word.text);
    if (ms !== undefined && (ms === 0 || ms >= 1)) return ms === 0 ? undefined : ms;
    const message = `--${name} is ${JSON.stringify(word?.text)}, wanted is a duration of 1ms or more`;
    throw statement.fail(statement.flagOffsets(name)[0] ?? 0, message, `Write --${name}=30s`);
  };
  const retries = flags.value("retries");
  if (retries !== undefined && !(/^\d{1,10}$/.test(retries.text) && Number(retries.text) < 2 ** 31))
    throw statement.fail(
      statement.flagOffsets("retries")[0] ?? 0,
      `--retries is ${JSON.stringify(retries.text)}, wanted is a number`,
    );
  const values = {
    intervalMs: duration("interval"),
    timeoutMs: duration("timeout"),
    startPeriodMs: duration("start-period"),
    startIntervalMs: duration("start-interval"),
    retries: Number(retries?.text ?? 0) === 0 ? undefined : Number(retries?.text),
  };
  // Zero stands for "as the base has it", like an absent flag.
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return { ...start, check: { command, ...given } };
}
