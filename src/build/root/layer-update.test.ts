import { describe, expect, it } from "vitest";
import { EMPTY_CONTENT } from "../../base/io/index.ts";
import { type LayerEntry, mergeLayers } from "../../tree/index.ts";
import { touchedPaths } from "./layer-update.ts";

const PLAIN = { uid: 0, gid: 0, mtimeSeconds: 5, xattrs: [], target: "", content: EMPTY_CONTENT, major: 0, minor: 0 };
const dir = (path: string): LayerEntry => ({ ...PLAIN, type: "directory", path, mode: 0o755 });
const file = (path: string): LayerEntry => ({ ...PLAIN, type: "file", path, mode: 0o644 });
const symlink = (path: string): LayerEntry => ({ ...PLAIN, type: "symlink", path, mode: 0o777, target: "x" });

const BASE = [dir("d"), file("d/one"), dir("d/sub"), file("d/sub/deep"), symlink("l"), file("f")];

function touched(layer: readonly LayerEntry[]): { hidden: readonly string[]; written: readonly string[] } {
  return touchedPaths(layer, mergeLayers([BASE]), mergeLayers([BASE, layer]));
}

describe("touchedPaths", () => {
  it.each([
    ["a new file with its parents", [file("d/sub/new")], [], ["", "d", "d/sub", "d/sub/new"]],
    ["a whiteout", [file("d/.wh.sub")], ["d/sub"], ["", "d"]],
    ["a whiteout of nothing", [file("d/.wh.none")], [], ["", "d"]],
    ["a directory that is emptied", [file("d/.wh..wh..opq"), file("d/two")], ["d/one", "d/sub"], ["", "d", "d/two"]],
    [
      "a directory that is made again",
      [file("d/.wh.sub"), file("d/sub/new")],
      ["d/sub"],
      ["", "d", "d/sub", "d/sub/new"],
    ],
    ["a directory in place of a link", [file("l/x")], ["l"], ["", "l", "l/x"]],
    ["a file in place of a directory", [file("d")], ["d"], ["", "d"]],
    ["a file in place of another", [file("f")], [], ["", "f"]],
  ] as const)("tells what goes and what is written for %s", (_, layer, hidden, written) => {
    expect(touched(layer)).toEqual({ hidden, written });
  });
});
