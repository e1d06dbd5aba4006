import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_PROGRESS } from "../../base/progress.ts";
import type { Context } from "../context.ts";
import { build } from "./build.ts";

let root: string;
let said: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slipway-build-command-"));
  said = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const context = (): Context => ({
  env: { HOME: root, XDG_RUNTIME_DIR: root, CONTAINERS_REGISTRIES_CONF: "/dev/null" },
  stdout: () => undefined,
  stderr: () => undefined,
  progress: {
    ...NO_PROGRESS,
    warn: (message: string) => said.push(`warning: ${message}`),
    note: (message: string) => said.push(message),
  },
  json: false,
  storePath: join(root, "store"),
  signal: new AbortController().signal,
});

describe("build", () => {
  it.each([`os@sha256:${"0".repeat(64)}`, `localhost/os:1@sha256:${"0".repeat(64)}`])(
    "does not name an image by a digest that it has not: -t %s",
    async (tag) => {
      await expect(build(context(), [root], { tag: [tag] })).rejects.toMatchObject({
        code: "BAD_REFERENCE",
        message: `cannot name an image ${tag}: a digest is what the image's content gives, wanted is a tag`,
      });
    },
  );

  it("has shown its warnings before its first step, though it fails", async () => {
    const directory = join(root, "context");
    mkdirSync(directory);
    writeFileSync(join(directory, "Containerfile"), "FROM scratch\nCOPY missing /\n");
    const options = { buildArg: ["VERSOIN=1"], cache: true, pull: "missing", network: "default" };
    await expect(build(context(), [directory], options)).rejects.toThrow(/missing/);
    expect(said[0]).toMatch(/^warning: --build-arg VERSOIN is not used/);
    expect(said[1]).toMatch(/FROM scratch/);
  });
});
