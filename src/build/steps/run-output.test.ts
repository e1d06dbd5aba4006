import { describe, expect, it } from "vitest";
import { RunOutput } from "./run-output.ts";

async function shown(
  chunks: readonly string[],
  secrets: readonly string[] = [],
): Promise<{ lines: string[]; tail: string }> {
  const lines: string[] = [];
  const output = await RunOutput.open(
    secrets.map((text, index) => ({ id: `s${index}`, bytes: Buffer.from(text) })),
    (line) => lines.push(line),
  );
  for (const chunk of chunks) output.push("stdout", Buffer.from(chunk, "latin1"));
  output.end();
  return { lines, tail: output.tail() };
}

describe("the output of a RUN", () => {
  it("comes in lines, however it was cut", async () => {
    expect((await shown(["on", "e\ntw", "o\n\nlast"])).lines).toEqual(["one", "two", "", "last"]);
  });

  it("shows what a terminal would of a line that was written over", async () => {
    expect((await shown(["10 %\r50 %\r100 %\r\n"])).lines).toEqual(["100 %"]);
  });

  it("puts cut characters together", async () => {
    expect((await shown(["\xc3", "\xa4\n"])).lines).toEqual(["ä"]);
  });

  it("hides secrets, in its end too", async () => {
    const { lines, tail } = await shown(["my secret-", "value-1 is\n"], ["secret-value-1"]);
    expect(lines).toEqual(["my *** is"]);
    expect(tail).not.toContain("value");
  });

  it("keeps the end only of very much", async () => {
    const line = "x".repeat(999);
    const { tail } = await shown([...Array.from({ length: 2000 }, () => `${line}\n`), "end\n"]);
    expect(tail.length).toBeLessThanOrEqual(1024 * 1024);
    expect(tail.endsWith("end")).toBe(true);
  });
});
