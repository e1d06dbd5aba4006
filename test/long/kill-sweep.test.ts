/**
 * kill -9 at 60 moments of `disk create`, over types, compressions, cold and warm caches, old outputs and none: never a
 * half output, always a store that the next run can use, and in the end the bytes of an undisturbed run.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { slipway, type Outcome } from "../support/slipway.ts";
import { integer, noise, pick, randomFrom } from "../support/random.ts";
import { TINY_SYSTEM, type TarItem, tinyImage } from "../support/tiny-image.ts";
import { run, tempDir, type TempFolder } from "../support/tools.ts";

const SEED = 20_251;
const KILLS = 60;
const MIB = 1024 ** 2;
const OLD = "the old disk";

interface Variant {
  readonly name: string;
  readonly args: readonly string[];
  readonly files: readonly string[];
}

const VARIANTS: readonly Variant[] = [
  { name: "raw", args: ["--type", "raw"], files: ["disk.raw"] },
  { name: "both", args: ["--type", "qcow2,raw"], files: ["disk.qcow2", "disk.raw"] },
  { name: "zstd", args: ["--compress", "zstd"], files: ["disk.qcow2"] },
  { name: "zlib", args: ["--compress", "zlib"], files: ["disk.qcow2"] },
];

describe("kill -9", () => {
  it(`at ${KILLS} moments leaves nothing half done`, async () => {
    using folder = tempDir();
    const random = randomFrom(SEED);
    const reference = makeImage(folder);
    const durations = new Map<Variant, number>();
    for (const variant of VARIANTS) {
      rmSync(folder.join("store", "cache"), { recursive: true, force: true });
      const started = performance.now();
      expect(await create(folder, reference, variant, join("wanted", variant.name))).toMatchObject({ exitCode: 0 });
      durations.set(variant, performance.now() - started);
    }

    let killed = 0;
    for (let round = 0; round < KILLS; round++) {
      const variant = pick(random, VARIANTS);
      const output = folder.join("out", variant.name);
      mkdirSync(output, { recursive: true });
      const isCold = random() < 0.5;
      if (isCold) rmSync(folder.join("store", "cache"), { recursive: true, force: true });
      const hadOld = random() < 0.5;
      for (const file of variant.files) {
        rmSync(join(output, file), { force: true });
        if (hadOld) writeFileSync(join(output, file), OLD);
      }
      const killAfterMs = 50 + integer(random, (durations.get(variant) ?? 0) * (isCold ? 1 : 0.7));
      const outcome = await create(folder, reference, variant, join("out", variant.name), killAfterMs);
      if (outcome.exitCode === -1) killed++;
      const what = `round ${round}: ${variant.name}, ${isCold ? "cold" : "warm"}, killed after ${killAfterMs} ms`;
      for (const file of variant.files) {
        const state = await stateOf(join(output, file), folder.join("wanted", variant.name, file));
        expect(hadOld ? ["old", "whole"] : ["absent", "whole"], `${what}: ${file}`).toContain(state);
        // A run that ended by itself has made all of them.
        if (outcome.exitCode === 0) expect(state, `${what}: ${file}`).toBe("whole");
      }
      const dry = await create(folder, reference, variant, "dry", undefined, ["--dry-run"]);
      expect(dry.exitCode, `${what}: ${dry.stderr}`).toBe(0);
    }
    // Moments that come after the end prove nothing.
    expect(killed).toBeGreaterThan(KILLS * 0.7);

    for (const variant of VARIANTS) {
      expect(await create(folder, reference, variant, join("out", variant.name))).toMatchObject({ exitCode: 0 });
      const output = folder.join("out", variant.name);
      expect(readdirSync(output).sort()).toEqual(variant.files.toSorted());
      for (const file of variant.files)
        expect(await stateOf(join(output, file), folder.join("wanted", variant.name, file)), file).toBe("whole");
    }
    const leftBehind = await run("find", [folder.path, "-name", "*.partial", "-o", "-name", "*.lock"]);
    expect(leftBehind.stdout).toBe("");
    expect(readdirSync(folder.join("tmp"))).toEqual([]);
  });
});

/** 200 MB in three layers: what does not compress, what does, and holes. */
function makeImage(folder: TempFolder): string {
  mkdirSync(folder.join("tmp"));
  const text = Buffer.alloc(40 * MIB, "the quick brown fox jumps over the lazy dog\n");
  const files = (name: string, count: number, sizeBytes: number): TarItem[] =>
    Array.from({ length: count }, (_, index) => ({ path: `usr/${name}/${index}`, data: noise(sizeBytes, index + 1) }));
  return tinyImage(
    folder.join("layout"),
    [
      [...TINY_SYSTEM, ...files("small", 3000, 10_000), { path: "usr/big", data: noise(60 * MIB, 9) }],
      [{ path: "usr/text", data: text }, ...files("middle", 40, MIB)],
      [{ path: "usr/holes", data: Buffer.concat([noise(MIB, 5), Buffer.alloc(30 * MIB), noise(MIB, 6)]) }],
    ],
    { compression: ["gzip", "zstd", "none"] },
  );
}

function create(
  folder: TempFolder,
  reference: string,
  variant: Variant,
  output: string,
  killAfterMs?: number,
  more: readonly string[] = [],
): Promise<Outcome> {
  return slipway(["disk", "create", reference, "-o", folder.join(output), ...variant.args, ...more], {
    env: { SLIPWAY_STORE: folder.join("store"), TMPDIR: folder.join("tmp") },
    ...(killAfterMs === undefined ? {} : { killAfterMs }),
  });
}

async function stateOf(file: string, wanted: string): Promise<"absent" | "old" | "whole" | "half"> {
  if (!existsSync(file)) return "absent";
  if ((await run("cmp", ["-s", file, wanted], { allowExit: [0, 1] })).exitCode === 0) return "whole";
  const isOld = (await run("head", ["-c", "100", file])).stdout === OLD;
  return isOld ? "old" : "half";
}
