import { describe, expect, it } from "vitest";
import { layerEntries } from "../../test/support/layer-entries.ts";
import { tarOf, type TarItem } from "../../test/support/tiny-image.ts";
import { describeChanges, type LayerChanges } from "./layer-changes.ts";

async function changes(...layers: readonly (readonly TarItem[])[]): Promise<readonly LayerChanges[]> {
  return describeChanges(await Promise.all(layers.map((items) => layerEntries(tarOf(items)))), 2);
}

const BASE: readonly TarItem[] = [
  { path: "a/", type: "directory" },
  { path: "a/x", data: "xx" },
  { path: "a/y", data: "yyyy" },
  { path: "a/b/z", data: "z" },
  { path: "link", type: "symlink", target: "a" },
  { path: "hard", type: "hardlink", target: "a/y" },
];

describe("what a layer does", () => {
  it("is to add what was not there, the largest files first", async () => {
    const largest = [
      { path: "a/y", sizeBytes: 4 },
      { path: "a/x", sizeBytes: 2 },
    ];
    expect(await changes(BASE)).toEqual([{ added: 5, changed: 0, removed: 0, bytes: 7, largest }]);
  });

  it.each<[string, readonly TarItem[], Partial<LayerChanges>]>([
    ["a file anew", [{ path: "a/x", data: "new" }], { changed: 1, bytes: 3 }],
    ["a directory anew", [{ path: "a/", type: "directory" }], {}],
    ["a whiteout", [{ path: "a/.wh.x" }], { removed: 1 }],
    ["a whiteout of a directory", [{ path: ".wh.a" }], { removed: 3 }],
    ["a whiteout of nothing", [{ path: "a/.wh.nothing" }, { path: "b/c/.wh.d" }], {}],
    [
      "an opaque directory",
      [{ path: "a/.wh..wh..opq" }, { path: "a/x", data: "1" }],
      { added: 1, removed: 3, bytes: 1 },
    ],
    ["a file over a directory", [{ path: "a", data: "12" }], { changed: 1, removed: 3, bytes: 2 }],
    ["a file below a link", [{ path: "link/n", data: "n" }], { added: 1, bytes: 1 }],
    ["bookkeeping", [{ path: ".wh..wh.plnk" }], {}],
  ])("with %s", async (_, items, wanted) => {
    const [, found] = await changes(BASE, items);
    expect({ ...found, largest: [] }).toEqual({ added: 0, changed: 0, removed: 0, bytes: 0, largest: [], ...wanted });
  });

  it("counts over several layers", async () => {
    const [, second, third] = await changes(BASE, [{ path: ".wh.a" }], [{ path: "a/x", data: "x" }]);
    expect([second?.removed, third?.added, third?.changed]).toEqual([3, 1, 0]);
  });

  it.each([".wh.", ".wh..", ".wh..."])("refuses the whiteout %s", async (path) => {
    await expect(changes(BASE, [{ path: `a/${path}` }])).rejects.toMatchObject({ code: "BAD_PATH" });
  });
});
