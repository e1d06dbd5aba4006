import { describe, expect, it } from "vitest";
import { defineApp } from "../app.ts";

interface Parsed {
  readonly args: readonly string[];
  readonly pull: unknown;
  readonly tag: unknown;
}

/** What the command `build` is given for these words. */
async function parse(...words: readonly string[]): Promise<Parsed> {
  let parsed: Parsed | undefined;
  const app = defineApp("0.0.0", (_, command) => {
    const { pull, tag } = command.opts<Record<string, unknown>>();
    parsed = { args: command.args, pull, tag };
    return Promise.resolve();
  });
  const build = app.commands.find((each) => each.name() === "build");
  build?.configureOutput({ writeErr: () => undefined });
  await app.parseAsync(["build", ...words], { from: "user" });
  if (parsed === undefined) throw new Error("build did not run");
  return parsed;
}

describe("--pull", () => {
  it.each<[readonly string[], unknown, readonly string[]]>([
    [["."], "missing", ["."]],
    [["--pull", "."], "always", ["."]],
    [["--pull"], "always", []],
    [[".", "--pull"], "always", ["."]],
    [["--pull", "-t", "a", "."], "always", ["."]],
    [["--pull", "--", "never"], "always", ["never"]],
    [["--", "--pull"], "missing", ["--pull"]],
    [["--pull", "newer", "."], "newer", ["."]],
    [["--pull=never", "."], "never", ["."]],
    [["--pull=never", "always"], "never", ["always"]],
  ])("of %j", async (words, pull, args) => {
    expect(await parse(...words)).toMatchObject({ args, pull });
  });

  it("stays the value of an option before it", async () => {
    expect(await parse("-t", "--pull", ".")).toEqual({ args: ["."], pull: "missing", tag: ["--pull"] });
  });

  it("of another value is refused", async () => {
    await expect(parse("--pull=sometimes", ".")).rejects.toMatchObject({ code: "commander.invalidArgument" });
  });
});
