import { describe, expect, it } from "vitest";
import { run } from "./run.ts";

describe("run", () => {
  it("passes arguments as they are and returns both streams", async () => {
    const result = await run("printf", ["%s;", "a b", "$HOME", "*"]);
    expect(result.stdout).toBe("a b;$HOME;*;");
  });
  it("gives input and environment", async () => {
    const result = await run("sh", ["-c", "cat; echo $SLIPWAY_TEST >&2"], {
      input: "in",
      env: { SLIPWAY_TEST: "yes" },
    });
    expect(result).toEqual({ exitCode: 0, stdout: "in", stderr: "yes\n" });
  });
  it("tells a missing program from a failing one", async () => {
    await expect(run("no-such-program-here", [])).rejects.toMatchObject({ code: "NOT_INSTALLED" });
    await expect(run("sh", ["-c", "echo why >&2; exit 3"])).rejects.toThrow(/exited with 3:\nwhy/);
    expect((await run("sh", ["-c", "exit 3"], { allowExit: [3] })).exitCode).toBe(3);
  });
  it("ends what takes too long or is interrupted", async () => {
    await expect(run("sleep", ["60"], { timeoutMs: 30 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    await expect(run("sleep", ["60"], { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({ code: "ABORTED" });
  });
  it("keeps the tail of long output", async () => {
    const result = await run("sh", ["-c", "head -c 300000 /dev/zero | tr '\\0' a; echo end"], { maxOutputBytes: 1000 });
    expect(result.stdout.endsWith("end\n")).toBe(true);
    expect(result.stdout.length).toBeLessThan(200_000);
  });
});
