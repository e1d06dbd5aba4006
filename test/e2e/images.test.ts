// The life of images against a registry: pushed, pulled, copied, listed, inspected, as the commands do it.
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NO_PROGRESS } from "../../src/base/progress.ts";
import type { CommandFunction } from "../../src/cli/app.ts";
import { copy } from "../../src/cli/commands/image/copy.ts";
import { images } from "../../src/cli/commands/image/images.ts";
import { inspect } from "../../src/cli/commands/image/inspect.ts";
import { pull } from "../../src/cli/commands/image/pull.ts";
import { push } from "../../src/cli/commands/image/push.ts";
import { rm } from "../../src/cli/commands/image/rm.ts";
import { sign } from "../../src/cli/commands/sign.ts";
import { verify } from "../../src/cli/commands/verify.ts";
import { diskCreate } from "../../src/cli/commands/disk/create.ts";
import { manifestAnnotate, manifestRemove } from "../../src/cli/commands/manifest/change.ts";
import { manifestAdd, manifestCreate } from "../../src/cli/commands/manifest/create.ts";
import { manifestInspect } from "../../src/cli/commands/manifest/inspect.ts";
import { manifestPush } from "../../src/cli/commands/manifest/push.ts";
import { readIndex } from "../support/layout.ts";
import { type ServedRegistry, serveRegistry } from "../support/registry.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { oracle, run } from "../support/tools.ts";

let folder: string;
let registry: ServedRegistry;
let host: string;
let source: string;
let digest: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "slipway-images-"));
  registry = await serveRegistry(join(folder, "registry"));
  ({ host } = registry);
  source = tinyImage(join(folder, "source"), [TINY_SYSTEM, [{ path: "usr/share/x", data: "x".repeat(100_000) }]]);
  digest = readIndex(join(folder, "source")).manifests[0]?.digest ?? "";
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}

/** A command with a store of its own, unless named. */
async function execute(
  command: CommandFunction,
  args: readonly string[],
  options: Readonly<Record<string, unknown>> = {},
  store = "store",
): Promise<Result> {
  const warnings: string[] = [];
  const context = {
    env: { HOME: folder, XDG_CONFIG_HOME: join(folder, "config") },
    stdout: () => undefined,
    stderr: () => undefined,
    progress: { ...NO_PROGRESS, warn: (message: string) => void warnings.push(message) },
    json: true,
    storePath: join(folder, store),
    signal: new AbortController().signal,
  };
  const { text, data } = await command(context, args, { tlsVerify: false, ...options });
  return { text, data: data as Result["data"], warnings };
}

describe("images", () => {
  it("go to a registry and come back with their digest, and are not sent twice", async () => {
    await execute(copy, [source, `${host}/os:1`]);
    expect((await execute(push, [`${host}/os:1`])).data).toMatchObject({ digest, copiedBlobs: 3, reusedBlobs: 0 });
    expect((await execute(push, [`${host}/os:1`])).data).toMatchObject({ digest, copiedBlobs: 0, reusedBlobs: 3 });
    expect((await execute(push, [`${host}/os:1`, `${host}/os:linux-amd64`])).data).toMatchObject({ digest });
    const pulled = await execute(pull, [`${host}/os:1`], {}, "other");
    expect(pulled.data).toMatchObject({ images: [{ name: `${host}/os:1`, digest, copiedBlobs: 3 }] });
    const listed = (await execute(images, [], {}, "other")).data["images"] as readonly object[];
    expect(listed).toEqual([
      expect.objectContaining({ name: `${host}/os:1`, digest, platforms: ["linux/amd64"], pulledFrom: `${host}/os:1` }),
    ]);
  });

  it("move within a registry without being sent", async () => {
    await execute(copy, [source, `docker://${host}/mount/a:1`]);
    const before = registry.log().length;
    expect((await execute(copy, [`docker://${host}/mount/a:1`, `docker://${host}/mount/b:1`])).data).toMatchObject({
      digest,
      copiedBlobs: 0,
    });
    expect(registry.log().slice(before)).not.toContain('"method":"PATCH"');
  });

  it("leave nothing about their origin in what is copied on", async () => {
    await execute(copy, [source, `docker://${host}/origin:1`]);
    await execute(pull, [`${host}/origin:1`]);
    await execute(copy, [`${host}/origin:1`, `oci:${join(folder, "copied")}:1`]);
    expect(JSON.stringify(readIndex(join(folder, "copied")))).not.toContain("slipway");
  });

  it("become disks that get their updates from where the image came from", async () => {
    await execute(copy, [source, `docker://${host}/disk:stable`]);
    const options = { type: "qcow2", output: folder, name: "disk", compress: "none", dryRun: true };
    const direct = await execute(diskCreate, [`docker://${host}/disk:stable`], options);
    expect(direct.data["updates"]).toBe(`${host}/disk:stable`);
    expect(direct.warnings).toEqual([]);
    await execute(pull, [`${host}/disk:stable`]);
    expect((await execute(diskCreate, [`${host}/disk:stable`], options)).data["updates"]).toBe(`${host}/disk:stable`);
  });

  it("are compressed anew on the way when that is asked for", async () => {
    const { data } = await execute(copy, [source, `docker://${host}/zstd:1`], { compress: "zstd" });
    expect(data["digest"]).not.toBe(digest);
    const shown = await execute(inspect, [`docker://${host}/zstd:1`]);
    expect(shown.data["layers"]).toEqual([
      expect.objectContaining({ mediaType: expect.stringMatching(/\+zstd$/) as string }),
      expect.objectContaining({ mediaType: expect.stringMatching(/\+zstd$/) as string }),
    ]);
    await expect(
      execute(copy, [source, `docker://${host}/zstd:2`], { compress: "zstd", preserveDigests: true }),
    ).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(
      execute(copy, [source, `docker-archive:${join(folder, "z.tar")}`], { compress: "zstd" }),
    ).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  it("are shown: as they are, their configuration, their kernel", async () => {
    const raw = await execute(inspect, [source], { raw: true });
    expect(raw.data["schemaVersion"]).toBe(2);
    expect((await execute(inspect, [source], { config: true })).data["architecture"]).toBe("amd64");
    const before = await execute(inspect, [source], {}, "inspect");
    expect(before.data["layers"]).toMatchObject([{ files: null }, { files: null }]);
    const read = await execute(inspect, [source], { layers: true }, "inspect");
    expect(read.data["layers"]).toMatchObject([
      { adds: "test", files: { changed: 0, removed: 0 } },
      { files: { added: 1, bytes: 100_000, largest: [{ path: "usr/share/x", sizeBytes: 100_000 }] } },
    ]);
    expect(read.text).toMatch(/ADDED +CHANGED +REMOVED +CONTENT +BY\n/);
    expect((await execute(inspect, [source], {}, "inspect")).data).toEqual(read.data);
    expect((await execute(inspect, [source], { kernel: true })).data).toEqual({ version: "6.1", source: "modules" });
  });

  it("are forgotten by name, all or none", async () => {
    await execute(copy, [source, "a:1"], {}, "rm");
    await expect(execute(rm, ["a:1", "absent:1"], {}, "rm")).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect((await execute(rm, ["a:1"], {}, "rm")).data).toEqual({ removed: ["localhost/a:1"] });
    expect((await execute(images, [], {}, "rm")).data["images"]).toEqual([]);
  });

  it("do not become public when their licence forbids it, unless somebody takes the responsibility", async () => {
    const labels = { "com.redhat.component": "rhel-bootc-container", "containers.bootc": "1" };
    const restricted = tinyImage(join(folder, "restricted"), [TINY_SYSTEM], { labels });
    await expect(execute(copy, [restricted, "docker://quay.io/me/os:1"])).rejects.toMatchObject({ code: "RESTRICTED" });
    await execute(copy, [restricted, `docker://${host}/restricted:1`]);
  });

  it("take their signatures along", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = join(folder, "key.pem");
    const publicKey = join(folder, "key.pub");
    writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    writeFileSync(publicKey, createPublicKey(privateKey).export({ type: "spki", format: "pem" }));
    await execute(copy, [source, `docker://${host}/signed:1`]);
    await execute(sign, [`docker://${host}/signed:1`], { key, attach: "both" });
    await execute(pull, [`${host}/signed:1`], {}, "signed");
    await execute(push, [`${host}/signed:1`, `docker://${host}/signed-too:1`], {}, "signed");
    const verified = await execute(verify, [`docker://${host}/signed-too:1`], {
      key: [publicKey],
      identity: `${host}/signed:1`,
    });
    expect(verified.data["accepted"]).toHaveLength(2);
    const names = (await execute(images, [], {}, "signed")).data["images"] as readonly { name: string }[];
    expect(names.map(({ name }) => name)).toEqual([`${host}/signed:1`]);
  });

  it("obey the signature policy", async () => {
    const policy = join(folder, "policy.json");
    writeFileSync(policy, JSON.stringify({ default: [{ type: "reject" }] }));
    for (const [command, args] of [
      [copy, [source, "denied:1"]],
      [pull, [`${host}/os:1`]],
    ] as const)
      await expect(execute(command, args, { policy }, "denied")).rejects.toMatchObject({ code: "REFUSED" });
  });
});

describe("lists", () => {
  it("hold what exists, and arrive whole", async () => {
    const arm = tinyImage(join(folder, "arm"), [TINY_SYSTEM], { architecture: "arm64" });
    await execute(copy, [source, `docker://${host}/list:linux-amd64`]);
    await execute(copy, [arm, "arm:1"]);
    await execute(manifestCreate, ["list:1", `docker://${host}/list:linux-amd64`]);
    await expect(execute(manifestCreate, ["list:1"])).rejects.toMatchObject({ code: "AMBIGUOUS" });
    await expect(execute(manifestAdd, ["list:1", `docker://${host}/list:absent`])).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await execute(manifestAdd, ["list:1", "arm:1"]);
    const pushed = await execute(manifestPush, ["list:1", `docker://${host}/list:1`]);
    const shown = await execute(manifestInspect, [`docker://${host}/list:1`], { arches: true });
    expect(shown.text).toBe("amd64\narm64\n");
    expect(shown.data["digest"]).toBe(pushed.data["digest"]);
    for (const [platform, wanted] of [
      ["linux/amd64", "amd64"],
      ["linux/arm64", "arm64"],
    ] as const) {
      await execute(pull, [`${host}/list:1`], { platform }, "platforms");
      const config = await execute(inspect, [`${host}/list:1`], { config: true }, "platforms");
      expect(config.data["architecture"]).toBe(wanted);
    }
    await expect(execute(pull, [`${host}/list:1`], { platform: "linux/s390x" }, "platforms")).rejects.toMatchObject({
      code: "NO_PLATFORM",
    });
    await expect(
      execute(copy, [`docker://${host}/list:1`, `docker-archive:${join(folder, "all.tar")}`], { all: true }),
    ).rejects.toMatchObject({ code: "UNSUPPORTED" });
    const all = await execute(copy, [`docker://${host}/list:1`, `docker://${host}/list-copy:1`], { all: true });
    expect(all.data["digest"]).toBe(pushed.data["digest"]);
  });

  it("are changed member by member", async () => {
    await execute(copy, [source, "member:1"]);
    await execute(manifestCreate, ["changed:1", "member:1"]);
    await execute(manifestAnnotate, ["changed:1", digest], { arch: "arm", variant: "v7", annotation: ["a=b"] });
    const shown = await execute(manifestInspect, ["changed:1"]);
    expect(shown.data["manifests"]).toEqual([
      expect.objectContaining({
        digest,
        platform: { os: "linux", architecture: "arm", variant: "v7" },
        annotations: { a: "b" },
      }),
    ]);
    await execute(manifestRemove, ["changed:1", digest]);
    expect((await execute(manifestInspect, ["changed:1"])).data["manifests"]).toEqual([]);
    await expect(execute(manifestRemove, ["changed:1", digest])).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("are not pushed when a member is gone, and name it", async () => {
    await execute(copy, [source, `oci:${join(folder, "gone")}:1`]);
    await execute(manifestCreate, ["gone:1", `oci:${join(folder, "gone")}:1`], {}, "gone-store");
    rmSync(join(folder, "gone"), { recursive: true });
    await expect(execute(manifestPush, ["gone:1", `docker://${host}/gone:1`], {}, "gone-store")).rejects.toMatchObject({
      code: "INCOMPLETE",
      message: expect.stringContaining(digest) as string,
    });
    await expect(execute(manifestInspect, [`docker://${host}/gone:1`])).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

oracle(
  "podman",
  "images reach podman's own storage and come back from there",
  async () => {
    const name = `localhost/slipway-test-${process.pid}:1`;
    try {
      await execute(copy, [source, `containers-storage:${name}`]);
      const [shown] = JSON.parse((await run("podman", ["inspect", name])).stdout) as { RootFS: { Layers: string[] } }[];
      await execute(copy, [`containers-storage:${name}`, `oci:${join(folder, "from-podman")}:1`]);
      const config = await execute(inspect, [`oci:${join(folder, "from-podman")}:1`], { config: true });
      expect((config.data["rootfs"] as { diff_ids: string[] }).diff_ids).toEqual(shown?.RootFS.Layers);
    } finally {
      await run("podman", ["rmi", "--force", name], { allowExit: [0, 1, 125] });
    }
  },
  { proves: "containers-storage by way of podman" },
);
