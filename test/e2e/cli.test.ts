/** The command contract: help, versions, wrong usage, exit codes, errors on the right stream. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, tempDir } from "../support/tools.ts";
import { slipway } from "../support/slipway.ts";

describe("the command line", () => {
  it("shows help with examples and exits 0", async () => {
    const top = await slipway(["--help"]);
    expect(top).toMatchObject({ exitCode: 0, stderr: "" });
    for (const word of ["disk", "base", "vm", "--json", "--store"]) expect(top.stdout).toContain(word);
    const create = await slipway(["disk", "create", "--help"]);
    expect(create.stdout).toMatch(/Examples:[\s\S]*slipway disk create/);
    expect(create.stdout).toContain("--max-entries");
  });
  it("tells its version", async () => {
    expect((await slipway(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
  it.each([{ HOME: "/proc/1/nobody" }, { XDG_CACHE_HOME: "/proc" }, { HOME: undefined }])(
    "does without a place for its cache: %j",
    async (env) => {
      expect(await slipway(["--version"], { env: { XDG_CACHE_HOME: undefined, ...env } })).toMatchObject({
        exitCode: 0,
      });
    },
    10_000,
  );
  it.each([
    [["no-such-command"]],
    [["disk", "create"]],
    [["disk", "create", "x", "--no-such-option"]],
    [["disk", "create", "x", "--type", "floppy"]],
    [["disk", "create", "x", "--size", "huge"]],
    [["disk", "create", "x", "--compress", "brotli"]],
    [["base", "debian"]],
    [["vm", "run", "x", "--cpus", "many"]],
  ])("exits 2 on wrong usage: %j", async (args) => {
    using folder = tempDir();
    const outcome = await slipway(args, { env: { SLIPWAY_STORE: folder.path } });
    expect(outcome.exitCode, outcome.stderr).toBe(2);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).not.toBe("");
  });
  it("says where it looked for an image that is nowhere", async () => {
    using folder = tempDir();
    const outcome = await slipway(["disk", "create", "no/such:image", "--json"], {
      env: { SLIPWAY_STORE: folder.path },
    });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toContain("no/such:image");
    expect(outcome.stderr).toContain(folder.path);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  });

  it("ends quietly when its reader has seen enough", async () => {
    const command = `"${process.execPath}" "${join(import.meta.dirname, "../../bin/slipway.cjs")}" disk create --help | head -n 1`;
    const { stdout, stderr } = await run("sh", ["-c", command]);
    expect(stdout).toMatch(/^Usage: slipway disk create/);
    expect(stderr).toBe("");
  });
});
