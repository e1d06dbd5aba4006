import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../base/digest.ts";
import { type ImageLayer, LayoutStore, MEDIA_TYPE, pushBytes } from "../../oci/index.ts";
import { startConfig } from "../config.ts";
import type { Root } from "../root/index.ts";
import type { StageState } from "../state.ts";
import { StepCache, stepKey, type StepInputs } from "./index.ts";

const bytes = Buffer.from("a layer");
const layer: ImageLayer = {
  descriptor: { mediaType: MEDIA_TYPE.layerGzip, digest: digestOf(bytes), sizeBytes: bytes.length },
  diffId: digestOf(Buffer.from("its tar")),
};

function state(layers: readonly ImageLayer[], config: object = {}): StageState {
  return {
    base: { image: undefined, name: undefined, platform: {} },
    root: { layers } as unknown as Root,
    config: startConfig(config as Record<string, unknown>).config,
    args: new Map(),
    author: undefined,
    hasOwnCmd: false,
    history: [],
  };
}

describe("the key of a step", () => {
  const inputs: StepInputs = {
    kind: "RUN",
    before: state([layer]),
    platform: "linux/amd64",
    epochSeconds: undefined,
    own: { argv: ["a"] },
  };

  it("is the same for the same inputs", () => {
    expect(stepKey({ ...inputs, before: state([layer]) })).toBe(stepKey(inputs));
  });

  it.each<[string, Partial<StepInputs>]>([
    ["what it runs", { own: { argv: ["b"] } }],
    ["the layers below", { before: state([]) }],
    ["the user", { before: state([layer], { User: "app" }) }],
    ["the working directory", { before: state([layer], { WorkingDir: "/w" }) }],
    ["volumes", { before: state([layer], { Volumes: { "/v": {} } }) }],
    ["the platform", { platform: "linux/arm64" }],
    ["the epoch", { epochSeconds: 0 }],
    ["the kind", { kind: "COPY" }],
  ])("changes with %s", (_what, change) => {
    expect(stepKey({ ...inputs, ...change })).not.toBe(stepKey(inputs));
  });

  it("does not change with labels", () => {
    expect(stepKey({ ...inputs, before: state([layer], { Labels: { a: "1" } }) })).toBe(stepKey(inputs));
  });
});

describe("records", () => {
  let directory: string;
  let images: LayoutStore;
  let cache: StepCache;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-cache-"));
    images = await LayoutStore.create(directory);
    cache = await StepCache.open(directory, images);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("give back the layer of a step", async () => {
    await pushBytes(images, layer.descriptor, bytes);
    await cache.keepStep("k", layer);
    expect(await cache.step("k")).toEqual({ layer });
    expect(await cache.step("other")).toBeUndefined();
  });

  it("know steps that made no layer", async () => {
    await cache.keepStep("k", undefined);
    expect(await cache.step("k")).toEqual({ layer: undefined });
  });

  it("are forgotten when the blob was pruned", async () => {
    await cache.keepStep("k", layer);
    expect(await cache.step("k")).toBeUndefined();
    expect(readdirSync(join(directory, "build/cache"))).toEqual([]);
  });

  it.each(["", "{", "[]", '{"layer":{"digest":"x"}}', '{"layer":7}'])("that read %j count as missing", async (text) => {
    await writeFile(join(directory, "build/cache/k.json"), text);
    expect(await cache.step("k")).toBeUndefined();
  });

  it("keep when an image was made first", async () => {
    await cache.keepCreated("k", "2026-01-01T00:00:00Z");
    expect(await cache.created("k")).toBe("2026-01-01T00:00:00Z");
    expect(await cache.created("other")).toBeUndefined();
  });
});
