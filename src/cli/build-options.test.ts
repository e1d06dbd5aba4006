import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_PROGRESS } from "../base/progress.ts";
import type { BuildRequest } from "../build/index.ts";
import { formatPlatform } from "../oci/index.ts";
import { type BuildOptions, buildRequest } from "./build-options.ts";
import type { Context } from "./context.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slipway-build-options-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const context = (): Context => ({
  env: {},
  stdout: () => undefined,
  stderr: () => undefined,
  progress: NO_PROGRESS,
  json: false,
  storePath: root,
  signal: new AbortController().signal,
});

/** Of a context that has these files; a name that ends with a slash is a directory. */
function request(options: Partial<BuildOptions>, ...names: readonly string[]): Promise<BuildRequest> {
  for (const name of names) {
    if (name.endsWith("/")) mkdirSync(join(root, name));
    else writeFileSync(join(root, name), "FROM scratch\n");
  }
  return buildRequest(context(), root, {
    cache: true,
    pull: "missing",
    network: "default",
    ...options,
  });
}

describe("a Containerfile or ignore file that cannot be read", () => {
  it.each<[string, (path: string) => Partial<BuildOptions>, readonly string[], string]>([
    ["-f DIRECTORY", (path) => ({ file: [join(path, "dir")] }), ["Containerfile", "dir/"], "dir"],
    ["a directory called Containerfile", () => ({}), ["Containerfile/", "Dockerfile"], "Containerfile"],
    ["a directory called Dockerfile", () => ({}), ["Dockerfile/"], "Dockerfile"],
    ["a directory called .dockerignore", () => ({}), ["Containerfile", ".dockerignore/"], ".dockerignore"],
    ["--ignorefile DIRECTORY", (path) => ({ ignorefile: join(path, "dir") }), ["Containerfile", "dir/"], "dir"],
  ])("is told for what it is: %s", async (_, options, names, shown) => {
    await expect(request(options(root), ...names)).rejects.toMatchObject({
      name: "BuildError",
      code: "BAD_VALUE",
      message: `cannot read ${join(root, shown)}: it is a directory`,
      hint: expect.stringMatching(/-f FILE|--ignorefile FILE/) as string,
    });
  });

  it("is told for what it is: a link to itself", async () => {
    symlinkSync("Containerfile", join(root, "Containerfile"));
    await expect(request({})).rejects.toMatchObject({
      name: "BuildError",
      message: `cannot read ${join(root, "Containerfile")}: ELOOP`,
    });
  });

  it("is told for what it is: a link to itself", async () => {
    symlinkSync("Containerfile", join(root, "Containerfile"));
    await expect(request({})).rejects.toMatchObject({
      name: "BuildError",
      code: "BAD_VALUE",
      message: `cannot read ${join(root, "Containerfile")}: ELOOP`,
    });
  });
});

describe("-f", () => {
  it("a second one is refused: it does not replace the first without a word", async () => {
    await expect(
      request({ file: ["Containerfile", "Dockerfile"] }, "Containerfile", "Dockerfile"),
    ).rejects.toMatchObject({
      name: "UsageError",
      code: "BAD_OPTION",
      message: "cannot build from several Containerfiles: -f Containerfile -f Dockerfile",
    });
  });

  it("one is looked for in the context too", async () => {
    expect((await request({ file: ["Other"] }, "Other")).containerfile.instructions).toHaveLength(1);
  });
});

describe("--platform", () => {
  it.each([
    [["linux/amd64,linux/amd64"], ["linux/amd64"]],
    [
      ["arm64", "linux/amd64", "linux/arm64/v8,x86_64"],
      ["linux/arm64", "linux/amd64"],
    ],
  ])("takes each platform of %j once", async (platform, wanted) => {
    const { platforms, jobs } = await request({ platform }, "Containerfile");
    expect(platforms.map(formatPlatform)).toEqual(wanted);
    expect(jobs).toBe(wanted.length);
  });

  it("of an architecture that nobody knows is refused", async () => {
    await expect(request({ platform: ["foo"] }, "Containerfile")).rejects.toMatchObject({ code: "BAD_PLATFORM" });
  });
});

describe("--volume", () => {
  it("without a source on this machine is refused before anything is built", async () => {
    const text = `${join(root, "nowhere")}:/mnt`;
    await expect(request({ volume: [text] }, "Containerfile")).rejects.toMatchObject({
      name: "BuildError",
      code: "NOT_FOUND",
      message: `cannot mount --volume ${JSON.stringify(text)}: there is no ${join(root, "nowhere")} on this machine`,
    });
  });

  it("with an empty source is not the current directory", async () => {
    await expect(request({ volume: [":/mnt"] }, "Containerfile")).rejects.toMatchObject({ code: "BAD_OPTION" });
  });

  it("takes files and directories, relative ones from the current directory", async () => {
    const { volumes } = await request(
      { volume: [`${root}:/dir:ro`, `${root}/Containerfile:/f`, ".:/here"] },
      "Containerfile",
    );
    expect(volumes).toEqual([
      { source: root, target: "/dir", readonly: true },
      { source: join(root, "Containerfile"), target: "/f", readonly: false },
      { source: process.cwd(), target: "/here", readonly: false },
    ]);
  });
});
