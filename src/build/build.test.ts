import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_PROGRESS } from "../base/progress.ts";
import { fetchDocument, type LocalStore, openDescriptor, openLocalStore, parsePlatform } from "../oci/index.ts";
import { buildImage, buildWarnings } from "./build.ts";
import { parseContainerfile, parseIgnoreFile } from "./containerfile/index.ts";
import { walk } from "../tree/index.ts";
import { Root } from "./root/index.ts";
import type { BuildEvent, BuildRequest, BuildResult } from "./request.ts";

const AMD64 = parsePlatform("linux/amd64");

let directory: string;
let local: LocalStore;
let events: BuildEvent[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "slipway-build-"));
  mkdirSync(join(directory, "context"));
  writeFileSync(join(directory, "context", "a"), "1");
  writeFileSync(join(directory, "context", "b"), "2");
  local = await openLocalStore(join(directory, "store"));
  events = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Steps without RUN: no sandbox is made. */
function build(text: string, options: Partial<BuildRequest> = {}, nowMs = 5000): Promise<BuildResult> {
  return buildImage(requestOf(text, options), {
    local,
    openBase: async (reference, preferred) => ({
      image: await openDescriptor(local.images, await local.images.resolve(reference), { preferred }),
      name: reference,
    }),
    env: {},
    nowMs: () => nowMs,
    progress: NO_PROGRESS,
    report: (event) => events.push(event),
    signal: new AbortController().signal,
  });
}

function requestOf(text: string, options: Partial<BuildRequest> = {}): BuildRequest {
  return {
    containerfile: parseContainerfile(Buffer.from(text), "Containerfile"),
    context: join(directory, "context"),
    ignore: undefined,
    contexts: new Map(),
    platforms: [AMD64],
    buildPlatform: AMD64,
    args: new Map(),
    secrets: [],
    sshSockets: new Map(),
    squash: "none",
    labels: new Map(),
    annotations: new Map(),
    useCache: true,
    network: "default",
    volumes: [],
    jobs: 1,
    ...options,
  };
}

async function configOf(result: BuildResult): Promise<Record<string, unknown>> {
  return (await openDescriptor(local.images, result.descriptor, { preferred: AMD64 })).config.json;
}

async function manifestOf(result: BuildResult): Promise<Record<string, unknown>> {
  return JSON.parse(Buffer.from(await fetchDocument(local.images, result.descriptor)).toString()) as Record<
    string,
    unknown
  >;
}

const COPIES = "FROM scratch\nCOPY a /x/\nLABEL v=1\nCOPY b /x/\n";

describe("WORKDIR", () => {
  const directories = async (result: BuildResult): Promise<string[]> => {
    const image = await openDescriptor(local.images, result.descriptor, { preferred: AMD64 });
    using root = Root.of(local, image.layers, local.images);
    const found = [...walk(await root.tree())].filter(({ path }) => path !== "");
    return found.map(({ path, inode }) => {
      const { type, mode, uid, gid, mtimeSeconds } = inode;
      return `${path} ${type} ${mode.toString(8)} ${uid}:${gid} ${mtimeSeconds}`;
    });
  };
  const historyOf = async (result: BuildResult): Promise<string[]> => {
    const { history } = await configOf(result);
    const lines = history as { created_by: string; empty_layer?: boolean }[];
    return lines.map((line) => `${line.empty_layer === true ? "." : "L"} ${line.created_by.slice(18)}`);
  };

  it("is made where it stands, as the user of that moment", async () => {
    const text = "FROM scratch\nWORKDIR /before/it\nUSER 3:4\nWORKDIR /after/it\nWORKDIR sub\nUSER 5\n";
    const result = await build(text);
    expect(await directories(result)).toEqual([
      "after directory 755 3:4 5",
      "after/it directory 755 3:4 5",
      "after/it/sub directory 755 3:4 5",
      "before directory 755 0:0 5",
      "before/it directory 755 0:0 5",
    ]);
    expect(await historyOf(result)).toEqual([
      "L WORKDIR /before/it",
      ". USER 3:4",
      "L WORKDIR /after/it",
      "L WORKDIR sub",
      ". USER 5",
    ]);
  });

  it("is metadata alone when it is there", async () => {
    const result = await build("FROM scratch\nCOPY a /x/y\nUSER 3\nWORKDIR /x\nWORKDIR /\n");
    expect((await historyOf(result)).slice(1)).toEqual([". USER 3", ". WORKDIR /x", ". WORKDIR /"]);
    expect((await directories(result))[0]).toMatch(/^x directory 755 0:0 /);
  });

  it("is dated by the epoch", async () => {
    expect(await directories(await build("FROM scratch\nWORKDIR /x\n", { epochSeconds: 3 }))).toEqual([
      "x directory 755 0:0 3",
    ]);
  });

  it("is made once, and taken from the cache later", async () => {
    const text = "FROM scratch\nWORKDIR /x\nCOPY a .\nWORKDIR /x\n";
    const first = await build(text);
    const second = await build(text, {}, 90_000);
    expect(second.descriptor).toEqual(first.descriptor);
    expect(second.images[0]?.steps.map(({ cached }) => cached)).toEqual([false, true, true, true]);
  });

  it("is there for the other stages", async () => {
    const result = await build("FROM scratch AS one\nUSER 3\nWORKDIR /x/y\nFROM scratch\nCOPY --from=one / /\n");
    expect((await directories(result)).map((line) => line.split(" ")[0])).toEqual(["x", "x/y"]);
  });

  it("is made by a trigger of the base", async () => {
    const base = await build("FROM scratch\nONBUILD WORKDIR /x\n");
    await local.images.tag(base.descriptor, "base:1");
    expect(await directories(await build("FROM base:1\n"))).toEqual(["x directory 755 0:0 5"]);
  });

  it("below a file is refused", async () => {
    const text = "FROM scratch\nCOPY a /x\nWORKDIR /x/y/z\n";
    await expect(build(text)).rejects.toThrow(/Containerfile:3:1: cannot make .* \/x\/y\/z: \/x is no directory/);
  });

  it("of a user whom nobody knows is refused", async () => {
    await expect(build("FROM scratch\nUSER app\nWORKDIR /x\n")).rejects.toThrow(/Containerfile:3:1: .*"app"/);
  });
});

describe("a build", () => {
  it("has a layer for each step that copies, and a line of history for all", async () => {
    const result = await build(COPIES);
    const { created, history, rootfs, config } = await configOf(result);
    expect(created).toBe("1970-01-01T00:00:05Z");
    expect((rootfs as { diff_ids: unknown[] }).diff_ids).toHaveLength(2);
    expect(config).toMatchObject({ WorkingDir: "/", Labels: { v: "1" } });
    expect(history).toEqual([
      {
        created,
        created_by: expect.stringMatching(/^\/bin\/sh -c #\(nop\) COPY file:[0-9a-f]{64} in \/x\/ $/) as string,
      },
      { created, created_by: "/bin/sh -c #(nop) LABEL v=1", empty_layer: true },
      { created, created_by: expect.stringContaining("COPY file:") as string },
    ]);
    expect(result.images[0]?.steps.map(({ number, of, text }) => `${number}/${of} ${text}`)).toEqual([
      "1/4 FROM scratch",
      "2/4 COPY a /x/",
      "3/4 LABEL v=1",
      "4/4 COPY b /x/",
    ]);
  });

  it("is the same image again, at another time", async () => {
    const first = await build(COPIES);
    const second = await build(COPIES, {}, 90_000);
    expect(second.descriptor).toEqual(first.descriptor);
    expect(second.images[0]?.steps.map(({ cached }) => cached)).toEqual([false, true, false, true]);
  });

  it("starts anew from what has changed", async () => {
    await build(COPIES);
    writeFileSync(join(directory, "context", "b"), "3");
    const { images } = await build(COPIES);
    expect(images[0]?.steps.map(({ cached }) => cached)).toEqual([false, true, false, false]);
  });

  it("does everything anew when told to, at its own time", async () => {
    await build(COPIES);
    const { images, ...result } = await build(COPIES, { useCache: false }, 90_000);
    expect(images[0]?.steps.every(({ cached }) => !cached)).toBe(true);
    expect(await configOf({ images, ...result })).toMatchObject({ created: "1970-01-01T00:01:30Z" });
  });

  it("builds only the stages that its target needs", async () => {
    const text =
      "FROM nowhere AS unused\nFROM scratch AS a\nCOPY a /a\nFROM a AS b\nCOPY --from=a /a /b\nFROM nowhere\n";
    const { images } = await build(text, { target: "b" });
    expect(images[0]?.steps.map(({ stage }) => stage)).toEqual(["a", "a", "b", "b"]);
  });

  it("names its base in history and annotations, and keeps what the base says", async () => {
    const base = await build('FROM scratch\nENV E=1\nENTRYPOINT ["e"]\n');
    await local.images.tag(base.descriptor, "base:1");
    const result = await build("FROM base:1\nENV F=2\n", { annotations: new Map([["k", "v"]]) });
    const { history, config } = await configOf(result);
    expect(config).toMatchObject({ Env: [expect.stringMatching(/^PATH=/) as string, "E=1", "F=2"], Entrypoint: ["e"] });
    expect((history as { comment?: string }[]).map(({ comment }) => comment)).toEqual([
      undefined,
      undefined,
      "FROM base:1",
    ]);
    expect((await manifestOf(result))["annotations"]).toEqual({
      k: "v",
      "org.opencontainers.image.base.digest": base.descriptor.digest,
      "org.opencontainers.image.base.name": "base:1",
    });
  });

  it("copies from an image of the platform of each stage", async () => {
    const platforms = ["linux/amd64", "linux/arm64"].map(parsePlatform);
    const base = await build("FROM scratch\nARG TARGETARCH\nCOPY a /$TARGETARCH\n", { platforms });
    await local.images.tag(base.descriptor, "base:1");
    const text =
      "FROM --platform=linux/amd64 scratch AS one\nCOPY --from=base:1 /amd64 /\n" +
      "FROM --platform=linux/arm64 scratch\nCOPY --from=one /amd64 /\nCOPY --from=base:1 /arm64 /\n";
    const { images } = await build(text);
    expect(images[0]?.steps).toHaveLength(5);
  });

  it("has the arguments of a stage in those that are made from it", async () => {
    const text = "FROM scratch AS one\nARG A=1\nFROM one AS two\nLABEL a=$A\nFROM two\nLABEL b=$A\n";
    expect((await configOf(await build(text)))["config"]).toMatchObject({ Labels: { a: "1", b: "1" } });
  });

  it("is the base itself when no step is there", async () => {
    const base = await build(COPIES);
    await local.images.tag(base.descriptor, "base:1");
    expect((await build("FROM base:1\n")).descriptor.digest).toBe(base.descriptor.digest);
  });

  it("does the triggers of its base first, and does not hand them on", async () => {
    const base = await build("FROM scratch\nONBUILD COPY a /a\nONBUILD LABEL l=$X\n");
    await local.images.tag(base.descriptor, "base:1");
    const result = await build("FROM base:1\nLABEL m=1\n");
    expect(result.images[0]?.steps.map(({ text }) => text)).toEqual([
      "FROM base:1",
      "COPY a /a",
      "LABEL l=$X",
      "LABEL m=1",
    ]);
    expect((await configOf(result))["config"]).not.toHaveProperty("OnBuild");
  });

  it("builds a stage that only a trigger of the base needs", async () => {
    const base = await build("FROM scratch\nONBUILD COPY --from=made /a /b\n");
    await local.images.tag(base.descriptor, "base:1");
    const { images } = await build("FROM scratch AS made\nCOPY a /a\nFROM base:1\n");
    expect(images[0]?.steps.map(({ text }) => text)).toContain("COPY a /a");
  });

  it("makes an index of several platforms, and each shared step once", async () => {
    const text =
      "FROM --platform=$BUILDPLATFORM scratch AS s\nCOPY a /a\nFROM scratch\nARG TARGETARCH\nCOPY --from=s /a /$TARGETARCH\n";
    const platforms = ["linux/amd64", "linux/arm64/v8"].map(parsePlatform);
    const { descriptor, images } = await build(text, { platforms, jobs: 2 });
    expect(descriptor.mediaType).toBe("application/vnd.oci.image.index.v1+json");
    const made = images.flatMap(({ steps }) => steps.filter(({ cached, layerBytes }) => layerBytes > 0 && !cached));
    expect(made.map(({ text: step }) => step).sort()).toEqual([
      "COPY --from=s /a /$TARGETARCH",
      "COPY --from=s /a /$TARGETARCH",
      "COPY a /a",
    ]);
  });

  it("tells the first failure, not what ended because of it", async () => {
    const text =
      "FROM scratch AS a\nCOPY missing /\nFROM scratch AS b\nCOPY a /\nFROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n";
    const platforms = ["linux/amd64", "linux/arm64"].map(parsePlatform);
    await expect(build(text, { platforms, jobs: 4 })).rejects.toThrow(/Containerfile:2:1: .*missing/);
  });

  it("can be one layer", async () => {
    const result = await build("FROM scratch\nCOPY a /x\nCOPY b /x\nLABEL l=1\n", { squash: "new" });
    const { rootfs, history } = await configOf(result);
    expect((rootfs as { diff_ids: unknown[] }).diff_ids).toHaveLength(1);
    expect((history as { empty_layer?: boolean }[]).map(({ empty_layer }) => empty_layer)).toEqual([
      true,
      true,
      undefined,
    ]);
  });

  it("does not copy what is ignored", async () => {
    const ignore = parseIgnoreFile(Buffer.from("b\n"), ".containerignore");
    await expect(build("FROM scratch\nCOPY b /b\n", { ignore })).rejects.toThrow(/Containerfile:2:1: /);
  });

  it("keeps no layer with a secret in it, and no configuration", async () => {
    const secrets = [{ id: "s", bytes: Buffer.from("correct-horse-battery") }];
    writeFileSync(join(directory, "context", "a"), "a correct-horse-battery b");
    await expect(build(COPIES, { secrets })).rejects.toMatchObject({ code: "SECRET_LEAKED" });
    const blobs = readdirSync(join(directory, "store", "blobs", "sha256"));
    expect(blobs).toEqual([]);
    const text = "FROM scratch\nLABEL token=correct-horse-battery\n";
    await expect(build(text, { secrets })).rejects.toMatchObject({ code: "SECRET_LEAKED" });
    const annotations = new Map([["token", "correct-horse-battery"]]);
    await expect(build("FROM scratch\nLABEL a=b\n", { secrets, annotations })).rejects.toMatchObject({
      code: "SECRET_LEAKED",
    });
  });

  it("warns of arguments", () => {
    const args = new Map([
      ["UNUSED", "1"],
      ["HTTP_PROXY", "p"],
    ]);
    const request = requestOf("FROM scratch\nARG DB_PASSWORD\nARG KEYMAP\nLABEL a=1\n", { args });
    expect(buildWarnings(request)).toEqual([
      "--build-arg UNUSED is not used: no ARG of Containerfile declares it",
      expect.stringContaining("ARG DB_PASSWORD") as string,
    ]);
  });

  it("tells its steps as they begin and end", async () => {
    await build("FROM scratch\nCOPY a /\n");
    expect(events.map(({ type, step }) => `${type} ${step.number}`)).toEqual(["step 1", "done 1", "step 2", "done 2"]);
  });
});
