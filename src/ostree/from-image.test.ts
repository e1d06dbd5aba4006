// The vectors of test/vectors/ostree/import and test/vectors/bootc/encapsulate: what ostree-ext 0.15.3 makes of them.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { archiveImage, layerInput } from "../../test/support/layer-entries.ts";
import { listTree } from "../../test/support/ostree-ls.ts";
import { treeOfCommit } from "./checkout.ts";
import { commitLayer, importImage } from "./from-image.ts";
import type { ImageInput } from "./index.ts";
import { ObjectSet } from "./object-set.ts";

const vector = (path: string): Uint8Array => readFileSync(`test/vectors/${path}`);
const text = (path: string): string => readFileSync(`test/vectors/${path}`, "utf8");

async function ordinaryImage(checksums: boolean): Promise<ImageInput> {
  return {
    manifestBytes: vector("ostree/import/manifest.json"),
    configBytes: vector("ostree/import/config.json"),
    layers: await Promise.all(
      ["l1", "l2", "l3"].map((name) => layerInput(vector(`ostree/import/${name}.tar.gz`), checksums)),
    ),
    imageReference: "docker://quay.io/vec/oci:1",
  };
}

describe("an ordinary image", () => {
  it.each([false, true])("gives the importer's merge commit (checksums from the layer: %s)", async (checksums) => {
    const image = await importImage(await ordinaryImage(checksums));
    expect(listTree(image.objects, image.mergeCommit)).toBe(text("ostree/import/merge.ls"));
    expect(image.mergeCommit).toBe("d9f1ce87c9a1c664b00c619dbd1f3dfc9bb2030e094caf5a8d5701f5347c343d");
    expect(image.baseCommit).toBeUndefined();
    expect(Object.fromEntries(image.dropped)).toEqual({ run: 1, tmp: 1, dev: 1 });
  });

  it("gives the importer's layer commits, at the vectors' time", async () => {
    const image = await importImage(await ordinaryImage(true));
    expect(listTree(image.objects, image.layerCommits[0]?.checksum ?? "")).toBe(text("ostree/import/l1.ls"));
    const again = image.layerCommits.map(({ checksum }) =>
      commitLayer(new ObjectSet(), treeOfCommit(image.objects, checksum), 1700000000),
    );
    expect((await Promise.all(again)).map((checksum) => checksum.slice(0, 8))).toEqual([
      "5f38693c",
      "e131e404",
      "24d33c90",
    ]);
  });

  it("keeps a ref for every layer and one for the image", async () => {
    const image = await importImage(await ordinaryImage(true));
    expect([...image.refs.keys()]).toEqual([
      "ostree/container/blob/sha256_3A_8f61e7c3427a8a8b9c6c6bb145d54d22fbfb4e28e32ddd2b75236b9b7d9bc3e8",
      "ostree/container/blob/sha256_3A_ba4efc76c47943a19e18a2a73a413e275cfc4689b16ac14fcb6a54ae6de2c3c5",
      "ostree/container/blob/sha256_3A_272adeccafe73e7009d51f2ec2be9871db5e0eb14239f483ea429be26c3c6402",
      "ostree/container/image/docker_3A__2F__2F_quay_2E_io/vec/oci_3A_1",
    ]);
  });
});

function refsOf(name: string): Record<string, string> {
  const lines = text(`bootc/encapsulate/${name}.refs`).trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string]));
}

describe("an encapsulated image", () => {
  it.each(["plain", "chunked"])("%s: base commit, merge commit and refs", async (name) => {
    const image = await importImage(
      await archiveImage(vector(`bootc/encapsulate/${name}.oci.tar`), `oci:/judge/enc/${name}`),
    );
    expect(image.baseCommit).toBe("f6f69220be3c7d50de9ee303c81970487f4cc5fe61f04789f3132e9eff92e1bd");
    expect(Object.fromEntries(image.refs)).toEqual(refsOf(name));
    expect(listTree(image.objects, image.mergeCommit)).toBe(text("bootc/encapsulate/commit.ls"));
  });

  it("derived: the merge commit, and all refs but the derived layer's, which carries the time of the import", async () => {
    const image = await importImage(
      await archiveImage(vector("bootc/encapsulate/derived.oci.tar"), "oci:/judge/enc/derived"),
    );
    expect(listTree(image.objects, image.mergeCommit)).toBe(text("bootc/encapsulate/derived.ls"));
    const {
      "ostree/container/blob/sha256_3A_9540840400fa8d0bed892da084cd25981352982c5fa592988e34270db7114036": ours,
      ...others
    } = Object.fromEntries(image.refs);
    const {
      "ostree/container/blob/sha256_3A_9540840400fa8d0bed892da084cd25981352982c5fa592988e34270db7114036": theirs,
      ...wanted
    } = refsOf("derived");
    expect(others).toEqual(wanted);
    expect(ours).not.toBe(theirs);
    expect(Object.fromEntries(image.dropped)).toEqual({ opt: 2 });
  });
});
