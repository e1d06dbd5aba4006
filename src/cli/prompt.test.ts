import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { ask, type AskOptions, PromptError, readStdin } from "./prompt.ts";

function terminal(isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  let shown = "";
  const output = { isTTY, write: (text: string) => (shown += text) };
  return { input, output, shown: () => shown };
}
const options = (at: ReturnType<typeof terminal>, more: Partial<AskOptions> = {}): AskOptions => ({
  instead: "Use a file",
  signal: new AbortController().signal,
  terminal: at,
  ...more,
});

describe("a question", () => {
  it("shows what is typed and gives it back", async () => {
    const at = terminal();
    const answer = ask("Username: ", options(at));
    at.input.write("me\r");
    expect(await answer).toBe("me");
    expect(at.shown()).toContain("Username: ");
    expect(at.shown()).toContain("me");
  });
  it("for a secret shows nothing of it, and its corrections count", async () => {
    const at = terminal();
    const answer = ask("Password: ", options(at, { isSecret: true }));
    at.input.write("s3cx\u007fret\r");
    expect(await answer).toBe("s3cret");
    expect(at.shown()).toBe("Password: \n");
  });
  it.each(["\u0003", "\u0004", "half\u0003"])("ends with %j", async (key) => {
    const at = terminal();
    const answer = ask("Password: ", options(at, { isSecret: true }));
    at.input.write(key);
    await expect(answer).rejects.toMatchObject({ code: "ABORTED" });
  });
  it("ends with its signal and with its input", async () => {
    const interrupt = new AbortController();
    const answer = ask("Username: ", options(terminal(), { signal: interrupt.signal }));
    interrupt.abort();
    await expect(answer).rejects.toBeInstanceOf(PromptError);
    const at = terminal();
    const other = ask("Username: ", options(at));
    at.input.end();
    await expect(other).rejects.toMatchObject({ code: "ABORTED" });
  });
  it("without a terminal is an error that says what to do", () => {
    expect(() => ask("Password: ", options(terminal(false)))).toThrow(
      expect.objectContaining({
        code: "NO_TERMINAL",
        hint: "Use a file",
        message: expect.stringContaining("the password"),
      }),
    );
  });
});

describe("standard input", () => {
  it("loses one line break at its end", async () => {
    expect(
      await readStdin(
        (async function* () {
          yield "sec";
          yield Buffer.from("ret\r\n");
        })(),
      ),
    ).toBe("secret");
    expect(
      await readStdin(
        (async function* () {
          yield " two\n\n";
        })(),
      ),
    ).toBe(" two\n");
  });
  it("has a limit", async () => {
    await expect(
      readStdin(
        (async function* () {
          for (;;) yield "x".repeat(10_000);
        })(),
      ),
    ).rejects.toMatchObject({ code: "TOO_LONG" });
  });
});
