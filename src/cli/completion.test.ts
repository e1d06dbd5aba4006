import { describe, expect, it } from "vitest";
import { defineApp } from "./app.ts";
import { completeWords, completionScript, SHELLS } from "./completion.ts";

const app = defineApp("0.0.0", () => Promise.resolve());

describe("completion", () => {
  it.each([
    [["co"], ["completion", "copy"]],
    [["d"], ["disk"]],
    [["disk", "c"], ["create"]],
    [["disk", "create", "--comp"], ["--compress"]],
    [
      ["disk", "create", "x", "--compress", "z"],
      ["zlib", "zstd"],
    ],
    [
      ["--progress", ""],
      ["auto", "json", "none", "plain"],
    ],
    [["disk", "create", "--si"], ["--size"]],
    [["disk", "create", "--size", ""], []],
  ])("offers for %j", (words, wanted) => {
    expect(completeWords(app, words)).toEqual(wanted);
  });
  it.each(SHELLS)("has a script for %s", (shell) => {
    expect(completionScript(shell)).toContain("slipway __complete");
  });
});
