/** A hundred disks from one store, two processes at a time, the cache taken away in between: the same bytes, no litter. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { integer, noise, randomFrom } from "../support/random.ts";
import { slipwayJson } from "../support/slipway.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { tempDir } from "../support/tools.ts";

const PAIRS = 50;
const SEED = 77;
const VARIANTS: readonly (readonly string[])[] = [
  ["--type", "raw"],
  ["--type", "qcow2"],
  ["--compress", "zstd"],
  ["--type", "qcow2,raw"],
];

interface Created {
  readonly files: readonly { readonly format: string; readonly digest: string }[];
}

describe("a soak", () => {
  it(`of ${2 * PAIRS} disks gives the same bytes and leaves nothing behind`, async () => {
    using folder = tempDir();
    const random = randomFrom(SEED);
    const files = Array.from({ length: 500 }, (_, index) => ({
      path: `usr/data/${index}`,
      data: noise(40_000, index),
    }));
    const layers = [TINY_SYSTEM, files.slice(0, 250), files.slice(250)];
    const reference = tinyImage(folder.join("layout"), layers, { compression: ["gzip", "zstd", "none"] });
    const scratch = folder.join("scratch");
    mkdirSync(scratch);
    const env = { SLIPWAY_STORE: folder.join("store"), TMPDIR: scratch };
    const digests = new Map<string, Set<string>>();
    let storeListing: readonly string[] | undefined;
    for (let pair = 0; pair < PAIRS; pair++) {
      if (random() < 0.2) rmSync(folder.join("store", "cache"), { recursive: true, force: true });
      // Both into one directory, often under the same name: the last one wins, and either is whole.
      const runs = [0, 1].map(async (side) => {
        const variant = integer(random, VARIANTS.length);
        const args = ["-o", folder.join("out"), "--name", random() < 0.5 ? "same" : `side-${side}`];
        const made = await slipwayJson<Created>(["disk", "create", reference, ...args, ...(VARIANTS[variant] ?? [])], {
          env,
        });
        for (const { format, digest } of made.files) {
          const key = `${variant === 2 ? "zstd " : ""}${format}`;
          digests.set(key, (digests.get(key) ?? new Set()).add(digest));
        }
      });
      await Promise.all(runs);
      const names = readdirSync(folder.join("out"));
      expect(names.filter((name) => !/^(same|side-[01])\.(raw|qcow2)$/.test(name))).toEqual([]);
      const listing = readdirSync(folder.join("store"), { recursive: true, encoding: "utf8" }).sort();
      storeListing ??= listing;
      expect(listing).toEqual(storeListing);
      expect(readdirSync(scratch)).toEqual([]);
    }
    expect(
      [...digests].map(([key, found]) => [key, found.size] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ).toEqual([
      ["qcow2", 1],
      ["raw", 1],
      ["zstd qcow2", 1],
    ]);
  });
});
