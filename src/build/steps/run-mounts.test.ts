import { describe, expect, it } from "vitest";
import { expandWord, parseContainerfile } from "../containerfile/index.ts";
import type { StepContext } from "./context.ts";
import { planMounts } from "./run-mounts.ts";

/** The key of the only mount of a RUN; $OFF is 0, $BAD is maybe, $NO is not set. */
async function keyOf(mount: string): Promise<Readonly<Record<string, unknown>>> {
  const containerfile = parseContainerfile(Buffer.from(`FROM x\nRUN --mount=${mount} true\n`), "Containerfile");
  const run = containerfile.instructions[1];
  if (run?.kind !== "RUN") throw new Error("no RUN");
  const values: Readonly<Record<string, string>> = { OFF: "0", BAD: "maybe" };
  const context = {
    containerfile,
    expand: (word: Parameters<typeof expandWord>[0]) => expandWord(word, (name) => values[name]),
    sources: { context: () => Promise.resolve({ root: { layers: [] } }) },
  } as unknown as StepContext;
  const [planned] = await planMounts(context, run, "/");
  return planned?.key ?? {};
}

describe("readonly and readwrite of a mount say the opposite of each other", () => {
  it.each([
    ["type=bind,target=/m", true],
    ["type=bind,target=/m,rw", false],
    ["type=bind,target=/m,readwrite=true", false],
    ["type=bind,target=/m,readonly=false", false],
    ["type=bind,target=/m,ro=$OFF", false],
    ["type=bind,target=/m,rw=false", true],
    ["type=bind,target=/m,readonly", true],
    ["type=cache,target=/m", false],
    ["type=cache,target=/m,ro", true],
    ["type=cache,target=/m,rw=false", true],
    ["type=cache,target=/m,readwrite=0", true],
    ["type=cache,target=/m,readonly=false", false],
    // The last one counts.
    ["type=bind,target=/m,ro,rw", false],
    ["type=bind,target=/m,rw,ro", true],
    // As if not given.
    ["type=bind,target=/m,ro=$NO", true],
    ["type=cache,target=/m,rw=$NO", false],
  ])("%s", async (mount, readonly) => {
    expect(await keyOf(mount)).toMatchObject({ readonly });
  });

  it.each(["type=bind,target=/m,ro=$BAD", "type=cache,target=/m,rw=$BAD"])("%s is refused", async (mount) => {
    await expect(keyOf(mount)).rejects.toThrow(/"maybe", wanted is true or false/);
  });
});
