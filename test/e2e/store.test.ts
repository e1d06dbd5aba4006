// The local store under concurrent commands, prune among them, with kill -9 at any moment: every command that said it was
// done has its image, whole, and in the end nothing is there that no name leads to.
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { digestHex } from "../../src/base/digest.ts";
import { LayoutStore, openImage } from "../../src/oci/index.ts";
import { slipway, slipwayJson } from "../support/slipway.ts";
import { tinyImage } from "../support/tiny-image.ts";
import { tempDir } from "../support/tools.ts";

const LAYER_BYTES = 3_000_000;
const ROUNDS = 4;
const SOURCES = 4;

/** Reads every blob, so that every digest is compared. */
async function readWhole(store: LayoutStore, name: string): Promise<readonly string[]> {
  const image = await openImage(store, name);
  const blobs = [image.manifest.config, ...image.manifest.layers];
  for (const blob of blobs) for await (const chunk of store.fetch(blob)) expect(chunk.length).toBeGreaterThan(0);
  return [image.descriptor, ...blobs].map(({ digest }) => digestHex(digest));
}

describe("the local store", () => {
  it("keeps every image that a command has reported, beside prune and kill -9", async () => {
    using folder = tempDir();
    const env = { SLIPWAY_STORE: folder.join("store") };
    const shared = [{ path: "shared", data: randomBytes(LAYER_BYTES) }];
    const sources = Array.from({ length: SOURCES }, (_, index) =>
      tinyImage(folder.join(`source-${index}`), [shared, [{ path: `own-${index}`, data: randomBytes(LAYER_BYTES) }]]),
    );
    const reported = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const copies = sources.map(async (source, index) => {
        const name = `localhost/image-${index}:${round}`;
        // Some get no time at all, some just enough to be in the middle, some all they want.
        const killAfterMs = index === 0 ? 250 + round * 120 : index === 1 ? 900 - round * 90 : undefined;
        const { exitCode, stderr } = await slipway(["copy", source, name], {
          env,
          ...(killAfterMs === undefined ? {} : { killAfterMs }),
        });
        if (killAfterMs === undefined) expect(stderr + exitCode).toMatch(/0$/);
        if (exitCode === 0) reported.add(name);
      });
      const prunes = [undefined, 400 + round * 60].map(async (killAfterMs) => {
        await slipway(["prune", "--yes"], { env, ...(killAfterMs === undefined ? {} : { killAfterMs }) });
      });
      const forgotten = round > 0 && reported.has(`localhost/image-2:${round - 1}`);
      if (forgotten) {
        reported.delete(`localhost/image-2:${round - 1}`);
        await slipwayJson(["rm", `localhost/image-2:${round - 1}`], { env });
      }
      await Promise.all([...copies, ...prunes]);
    }
    expect(reported.size).toBeGreaterThanOrEqual(ROUNDS + 1);
    await slipwayJson(["prune", "--yes"], { env });
    const store = await LayoutStore.open(env.SLIPWAY_STORE);
    const names = (await store.list()).map(({ name }) => name ?? "");
    for (const name of reported) expect(names).toContain(name);
    const reachable = new Set<string>();
    for (const name of names) for (const hex of await readWhole(store, name)) reachable.add(hex);
    expect(new Set(readdirSync(folder.join("store", "blobs", "sha256")))).toEqual(reachable);
    expect(readdirSync(folder.join("store", "writers"))).toEqual([]);
    // Deduplicated: the shared layer is there once.
    const { blobBytes, images } = await slipwayJson<{ blobBytes: number; images: { sizeBytes: number }[] }>(
      ["images"],
      { env },
    );
    expect(blobBytes).toBeLessThan(images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  });

  it("shows what prune would do, and wants a yes", async () => {
    using folder = tempDir();
    const env = { SLIPWAY_STORE: folder.join("store") };
    const source = tinyImage(folder.join("source"), [[{ path: "a", data: randomBytes(1000) }]]);
    await slipwayJson(["copy", source, "os:1"], { env });
    await slipwayJson(["rm", "os:1"], { env });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await slipwayJson(["prune", "--dry-run"], { env })).toMatchObject({ dryRun: true, blobs: 3 });
    const refused = await slipway(["prune"], { env });
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--yes");
    expect(await slipwayJson(["prune", "--yes"], { env })).toMatchObject({ blobs: 3 });
    expect(readdirSync(folder.join("store", "blobs", "sha256"))).toEqual([]);
  });
});
