import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTempDir } from "../../base/io/index.ts";
import { NO_PROGRESS } from "../../base/progress.ts";
import { openLocalStore } from "../../oci/index.ts";
import { buildImage } from "../build.ts";
import { parseContainerfile } from "../containerfile/index.ts";
import type { Secret } from "./secret.ts";

const LINUX = { os: "linux", architecture: "amd64" };
const TOKEN: Secret = { id: "token", bytes: Buffer.from("correct-horse-9\n") };

/** Builds `lines` over a context with the secret in a file; returns what goes into the local store. */
async function build(directory: string, lines: readonly string[], secrets: readonly Secret[]): Promise<string> {
  const context = join(directory, "context");
  await mkdir(context, { recursive: true });
  await writeFile(join(context, "notes"), "the token is correct-horse-9\n");
  const request = {
    containerfile: parseContainerfile(Buffer.from(lines.join("\n")), "Containerfile"),
    context,
    ignore: undefined,
    contexts: new Map(),
    platforms: [LINUX],
    buildPlatform: LINUX,
    args: new Map(),
    secrets,
    sshSockets: new Map(),
    squash: "none",
    labels: new Map(),
    annotations: new Map(),
    epochSeconds: 0,
    useCache: true,
    network: "none",
    volumes: [],
    jobs: 1,
  } as const;
  const services = {
    local: await openLocalStore(join(directory, "store")),
    openBase: () => Promise.reject(new Error("there are no bases")),
    env: {},
    nowMs: () => 0,
    progress: NO_PROGRESS,
    report: () => undefined,
    signal: new AbortController().signal,
  };
  return (await buildImage(request, services)).descriptor.digest;
}

describe("a build with secrets", () => {
  it("fails when COPY brings one, also when an earlier build without secrets has the layer", async () => {
    await using directory = await makeTempDir("slipway-secret-");
    const lines = ["FROM scratch", "COPY notes /usr/share/"];
    const leaked = {
      code: "SECRET_LEAKED",
      message: expect.stringContaining(
        'cannot keep COPY notes /usr/share/: it holds secret "token" in /usr/share/notes',
      ),
    };
    await expect(build(directory.path, lines, [TOKEN])).rejects.toMatchObject(leaked);
    const digest = await build(directory.path, lines, []);
    await expect(build(directory.path, lines, [TOKEN])).rejects.toMatchObject(leaked);
    expect(await build(directory.path, lines, [{ id: "other", bytes: Buffer.from("battery-staple-7") }])).toBe(digest);
  });

  it("fails when the configuration or the history holds one", async () => {
    await using directory = await makeTempDir("slipway-secret-");
    for (const line of ["ENV TOKEN=correct-horse-9", "LABEL a=correct-horse-9", "CMD login correct-horse-9"]) {
      await expect(build(directory.path, ["FROM scratch", line], [TOKEN])).rejects.toMatchObject({
        code: "SECRET_LEAKED",
        message: expect.stringContaining('it holds secret "token" in the image\'s config at '),
      });
    }
  });
});
