// What an encapsulated layer must not be: the plain vector, changed.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { archiveImage } from "../../../test/support/layer-entries.ts";
import { contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { treeOfCommit } from "../checkout.ts";
import { ObjectSet } from "../object-set.ts";
import { readChunkLayer, readCommitLayer } from "./object-layer.ts";

async function entriesOf(name: string): Promise<LayerEntry[]> {
  const image = await archiveImage(readFileSync(`test/vectors/bootc/encapsulate/${name}.oci.tar`), "oci:x");
  const entries: LayerEntry[] = [];
  for await (const entry of image.layers[0]?.entries ?? []) entries.push(entry);
  return entries;
}

const plain = await entriesOf("plain");
const isObject = (entry: LayerEntry, suffix: string): boolean =>
  entry.type !== "directory" && entry.path.endsWith(`.${suffix}`);
const change = (suffix: string, more: Partial<LayerEntry>, from = plain): LayerEntry[] => {
  const index = from.findIndex(
    (entry) => isObject(entry, suffix) && (suffix !== "file" || entry.content.sizeBytes > 0),
  );
  return from.map((entry, at) => (at === index ? { ...entry, ...more } : entry));
};
const commit = (entries: readonly LayerEntry[]): Promise<string> =>
  readCommitLayer(new ObjectSet(), { digest: "sha256:x", entries });
const junk = contentOf(Buffer.from("junk"));

describe("the commit layer", () => {
  it("is read, also without the entries outside the repository", async () => {
    const inside = plain.filter(
      ({ path, type }) => path.startsWith("sysroot/ostree/repo/objects/") && type !== "directory",
    );
    expect(await commit(inside)).toBe("f6f69220be3c7d50de9ee303c81970487f4cc5fe61f04789f3132e9eff92e1bd");
  });

  it.each([
    ["a commit of another name", "commit", { content: junk }, "CORRUPT_OBJECT"],
    ["a changed dirtree", "dirtree", { content: junk }, "CORRUPT_OBJECT"],
    ["changed content", "file", { content: junk }, "CORRUPT_OBJECT"],
    ["another owner", "file", { uid: 12 }, "CORRUPT_OBJECT"],
    ["a wrong fingerprint", "file", { uid: 12, ostreeChecksum: "0".repeat(64) }, "CORRUPT_OBJECT"],
    ["a device", "file", { type: "fifo" as const }, "BAD_LAYER"],
    [
      "xattrs of another object",
      "file-xattrs-link",
      { path: `sysroot/ostree/repo/objects/aa/${"b".repeat(62)}.file-xattrs-link` },
      "BAD_LAYER",
    ],
    ["xattrs that are none", "file-xattrs-link", { content: junk }, "NOT_NORMAL"],
    ["a name that is none", "dirmeta", { path: "sysroot/ostree/repo/objects/aa/bb.dirmeta" }, "BAD_LAYER"],
    ["an unknown kind", "dirmeta", { path: `sysroot/ostree/repo/objects/aa/${"b".repeat(62)}.surprise` }, "BAD_LAYER"],
  ] as const)("refuses %s", async (_, suffix, more, code) => {
    await expect(commit(change(suffix, more))).rejects.toMatchObject({ code });
  });

  it("must have a commit, first", async () => {
    await expect(commit([])).rejects.toThrow(/no commit object/);
    await expect(commit([...plain].reverse())).rejects.toThrow(/first object of this layer must be the commit/);
  });

  it("does not hide a missing object", async () => {
    const objects = new ObjectSet();
    const dirtree = plain.findLastIndex((entry) => isObject(entry, "dirtree"));
    const checksum = await readCommitLayer(objects, {
      digest: "sha256:x",
      entries: plain.filter((_, index) => index !== dirtree),
    });
    expect(() => treeOfCommit(objects, checksum)).toThrow(/cannot find dirtree object/);
  });
});

describe("a chunk layer", () => {
  it("may hold content only", async () => {
    await expect(readChunkLayer(new ObjectSet(), { digest: "sha256:x", entries: plain })).rejects.toThrow(
      /content objects only/,
    );
  });

  it("takes shared xattrs through hard links, and the older form", async () => {
    const [xattrs, content] = ["file-xattrs-link", "file"].map((suffix) =>
      plain.find((entry) => isObject(entry, suffix)),
    );
    if (xattrs === undefined || content === undefined) throw new Error("the vector has no file object");
    const shared: LayerEntry = { ...xattrs, path: `sysroot/ostree/repo/objects/aa/${"b".repeat(62)}.file-xattrs` };
    const link: LayerEntry = { ...xattrs, type: "hardlink", target: shared.path, content: EMPTY_CONTENT };
    const old: LayerEntry = { ...xattrs, path: xattrs.path.replace(".file-xattrs-link", ".file.xattrs") };
    for (const entries of [
      [shared, link, content],
      [old, content],
    ]) {
      expect(await readChunkLayer(new ObjectSet(), { digest: "sha256:x", entries })).toHaveLength(1);
    }
    await expect(readChunkLayer(new ObjectSet(), { digest: "sha256:x", entries: [link, content] })).rejects.toThrow(
      /does not stand before it/,
    );
  });
});
