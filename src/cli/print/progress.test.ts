import { describe, expect, it } from "vitest";
import { createProgress, type ProgressMode } from "./progress.ts";

/** A progress over a clock that the test moves. */
function printed(
  mode: ProgressMode,
  isTerminal: boolean,
  work: (tick: (ms: number) => void, progress: ReturnType<typeof createProgress>) => void,
): string {
  let nowMs = 0;
  let text = "";
  const progress = createProgress(mode, { isTerminal, now: () => nowMs, write: (part) => (text += part) });
  work((ms) => (nowMs += ms), progress);
  return text;
}

const MIB = 1024 * 1024;

describe("progress", () => {
  it("shows bytes, rate and time left on a terminal, and the sum at the end", () => {
    const text = printed("auto", true, (tick, progress) => {
      const stage = progress.stage("write", 400 * MIB);
      tick(1000);
      stage.advance(100 * MIB);
      tick(3000);
      stage.advance(300 * MIB);
      stage.done();
    });
    expect(text).toContain("100 MiB / 400 MiB  25 %  100 MiB/s  0:03 left");
    expect(text.endsWith("write       400 MiB  100 MiB/s  4.0 s\n")).toBe(true);
  });
  it("shows stages that run side by side, each with its bar, and keeps what is finished above them", () => {
    const text = printed("auto", true, (tick, progress) => {
      const first = progress.stage("blob", 10 * MIB, "aaaa");
      const second = progress.stage("blob", 20 * MIB, "bbbb");
      tick(1000);
      first.advance(5 * MIB);
      tick(1000);
      second.advance(5 * MIB);
      first.done();
      second.done("already there");
    });
    const frames = text.split("\r");
    expect(frames.at(-3)).toBe(
      "\x1b[1A\x1b[Jblob aaaa  [==========>---------]  5.0 MiB / 10.0 MiB  50 %  5.0 MiB/s  0:01 left\nblob bbbb  [=====>--------------]  5.0 MiB / 20.0 MiB  25 %  2.5 MiB/s  0:06 left",
    );
    expect(frames.at(-2)?.split("\n")[0]).toBe("\x1b[1A\x1b[Jblob aaaa  5.0 MiB  2.5 MiB/s  2.0 s");
    expect(frames.at(-1)).toBe("\x1b[Jblob bbbb  already there\n");
  });
  it("prints a line a stage where there is no terminal", () => {
    const text = printed("auto", false, (tick, progress) => {
      const stage = progress.stage("import");
      tick(1234);
      stage.done();
      progress.warn("careful");
    });
    expect(text).toBe("import      1.2 s\nwarning: careful\n");
  });
  it("prints JSON lines, not too often", () => {
    const text = printed("json", false, (tick, progress) => {
      const stage = progress.stage("read", 10);
      for (let index = 0; index < 10; index++) {
        tick(20);
        stage.advance(1);
      }
      stage.done();
    });
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { bytes: number; done: boolean });
    expect(lines.length).toBeLessThan(6);
    expect(lines.at(-1)).toMatchObject({ stage: "read", bytes: 10, totalBytes: 10, done: true });
  });
  it("says nothing with none, and keeps the seconds in every mode", () => {
    let seconds: Readonly<Record<string, number>> = {};
    const text = printed("none", true, (tick, progress) => {
      for (const name of ["a", "b", "a"]) {
        const stage = progress.stage(name);
        tick(1500);
        stage.done();
      }
      progress.warn("x");
      seconds = progress.seconds;
    });
    expect(text).toBe("");
    expect(seconds).toEqual({ a: 3, b: 1.5 });
  });
});
