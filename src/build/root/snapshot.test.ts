import { describe, expect, it } from "vitest";
import { compareSnapshots, type Snapshot, SnapshotReader } from "./snapshot.ts";

function line(path: string, type = "f", time = 1): string {
  return `${type} 7 1 644 0 0 5 1500000000.5 170000000${time}.0\0${path}\0`;
}

function read(text: string, cut = text.length): Snapshot {
  const reader = new SnapshotReader();
  const bytes = Buffer.from(text, "latin1");
  reader.push(bytes.subarray(0, cut));
  reader.push(bytes.subarray(cut));
  return reader.finish();
}

const TEXT = [line("", "d"), line("a"), line("b\n\xff", "l"), line("c/d")].join("");

describe("SnapshotReader", () => {
  it("reads any names, however the output is cut", () => {
    for (let cut = 0; cut <= TEXT.length; cut++) {
      expect([...read(TEXT, cut)].map(([path, { type }]) => [path, type])).toEqual([
        ["", "d"],
        ["a", "f"],
        ["b\n\xff", "l"],
        ["c/d", "f"],
      ]);
    }
  });

  it("takes what was added of a path in place of what was there", () => {
    const text = TEXT + line("./a", "l", 2) + line("./", "d", 2);
    const snapshot = read(text);
    expect(snapshot.size).toBe(4);
    expect(snapshot.get("a")).toEqual(read(line("a", "l", 2)).get("a"));
    expect(snapshot.get("")).toEqual(read(line("", "d", 2)).get(""));
  });

  it("refuses output that ends early or is something else", () => {
    for (let end = 1; end < TEXT.length; end++) {
      const isWhole = TEXT.slice(0, end).split("\0").length % 2 === 1 && TEXT[end - 1] === "\0";
      if (!isWhole) expect(() => read(TEXT.slice(0, end)), String(end)).toThrow("find");
    }
    expect(() => read("usage: find [-HL]\0x\0")).toThrow("find");
  });
});

describe("compareSnapshots", () => {
  it("names what is new or different, and the topmost of what went", () => {
    const before = read([line("", "d"), line("d", "d"), line("d/x"), line("d/x/y"), line("e"), line("same")].join(""));
    const now = read([line("", "d"), line("d", "d", 2), line("z", "p"), line("e", "s"), line("same")].join(""));
    expect(compareSnapshots(before, now)).toEqual({ candidates: ["d", "z"], gone: ["d/x", "e"] });
  });

  it("names every name of a file that has a new one", () => {
    const linked = (path: string): string => line(path).replace("f 7 1", "f 8 2");
    const before = read([line("", "d"), line("d", "d"), linked("d/x"), linked("other"), line("e")].join(""));
    const now = read([line("", "d"), line("moved", "d"), linked("moved/x"), linked("other"), line("e")].join(""));
    expect(compareSnapshots(before, now)).toEqual({ candidates: ["moved", "moved/x", "other"], gone: ["d"] });
  });

  it("does not name what was below a directory that is another thing now", () => {
    const before = read([line("", "d"), line("d", "d"), line("d/x")].join(""));
    const now = read([line("", "d"), line("d", "f")].join(""));
    expect(compareSnapshots(before, now)).toEqual({ candidates: ["d"], gone: [] });
  });
});
