import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import {
  type Inode,
  type LayerEntry,
  type LayerName,
  layerNames,
  lookup,
  mergeLayers,
  TreeError,
  whiteout,
} from "../../tree/index.ts";
import { findInode, type LayerFinder } from "./find-inode.ts";

const name = fc.constantFrom("a", "b", "c");
const path = fc.array(name, { maxLength: 3 }).map((names) => names.join("/"));
const PLAIN = { uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [], target: "", content: EMPTY_CONTENT, major: 0, minor: 0 };

const entry: fc.Arbitrary<LayerEntry> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(path, fc.integer({ min: 1, max: 9 })).map(([at, mode]) => dir(at, mode)) },
  { weight: 4, arbitrary: fc.tuple(path, fc.constantFrom("x", "y")).map(([at, text]) => file(`${at}/f`, text)) },
  { weight: 2, arbitrary: path.map((at) => file(at === "" ? "b" : at, "z")) },
  path.map((at): LayerEntry => ({ ...PLAIN, type: "symlink", path: `${at}/s`, mode: 0o777, target: "a" })),
  fc
    .tuple(path, path)
    .map(([at, to]): LayerEntry => ({ ...PLAIN, type: "hardlink", path: `${at}/l`, mode: 0, target: `${to}/f` })),
  { weight: 2, arbitrary: path.map((at) => whiteout(at === "" ? "a" : at)) },
  path.map((at) => file(`${at}/.wh..wh..opq`, "")),
);

function dir(at: string, mode: number): LayerEntry {
  return { ...PLAIN, type: "directory", path: at, mode };
}

function file(at: string, text: string): LayerEntry {
  return { ...PLAIN, type: "file", path: at.replace(/^\//, ""), mode: 0o644, content: contentOf(Buffer.from(text)) };
}

/** As the file beside the index finds them; undefined when the layer is not plain. */
function finderOf(entries: readonly LayerEntry[]): LayerFinder | undefined {
  const names = layerNames(entries);
  if (names === undefined) return undefined;
  const byPath = new Map(names.map((each): [string, LayerName] => [each.path, each]));
  expect(byPath.size).toBe(names.length);
  return { find: (at) => Promise.resolve(byPath.get(at)) };
}

const PATHS = ["", "a", "b", "c"]
  .flatMap((one) => ["", "/a", "/b", "/c", "/f", "/s", "/l"].map((two) => `${one}${two}`))
  .flatMap((two) => ["", "/a", "/b", "/f", "/l"].map((three) => `${two}${three}`));

function facts(inode: Inode | undefined): unknown {
  if (inode?.type !== "directory") return inode;
  const { entries: _, ...metadata } = inode;
  return metadata;
}

describe("findInode", () => {
  it("finds what a lookup in the merged layers finds", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 6 }), { maxLength: 4 }), async (layers) => {
        let merged;
        try {
          merged = mergeLayers(layers);
        } catch (error) {
          expect(error).toBeInstanceOf(TreeError);
          return;
        }
        const finders = layers.map(finderOf);
        if (finders.includes(undefined)) return;
        compared++;
        for (const each of PATHS) {
          const found = await findInode(finders as LayerFinder[], each);
          expect(facts(found), each).toEqual(facts(lookup(merged, each)));
        }
      }),
      { numRuns: 250, seed: 3 },
    );
    expect(compared).toBeGreaterThan(60);
  });

  it("leaves layers whose hard links lead elsewhere to those who have all layers", () => {
    const link: LayerEntry = { ...PLAIN, type: "hardlink", path: "l", mode: 0, target: "f" };
    expect(layerNames([link])).toBeUndefined();
    expect(layerNames([link, file("f", "late")])).toBeUndefined();
    expect(layerNames([file("f", "early"), link])?.length).toBe(3);
  });
});
