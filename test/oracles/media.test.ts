/**
 * Disks in registries: what `media push` writes is read by skopeo, umoci and podman, what comes back is compared by
 * qemu-img, and container disks that podman builds are taken apart.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NO_PROGRESS } from "../../src/base/progress.ts";
import type { CommandFunction } from "../../src/cli/app.ts";
import { images } from "../../src/cli/commands/image/images.ts";
import { prune } from "../../src/cli/commands/image/prune.ts";
import { manifestCreate } from "../../src/cli/commands/manifest/create.ts";
import { manifestPush } from "../../src/cli/commands/manifest/push.ts";
import { mediaExtract } from "../../src/cli/commands/media/extract.ts";
import { mediaPull } from "../../src/cli/commands/media/pull.ts";
import { mediaPush } from "../../src/cli/commands/media/push.ts";
import { nameImage, putBlob, putJson, readIndex, readJson } from "../support/layout.ts";
import { noise } from "../support/random.ts";
import { type ServedRegistry, serveRegistry } from "../support/registry.ts";
import { asRoot, oracle, run } from "../support/tools.ts";

const MIB = 1024 * 1024;
const RAW_BYTES = 96 * MIB;

let folder: string;
let registry: ServedRegistry;
let host: string;
let raw: string;
let iso: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "slipway-media-"));
  registry = await serveRegistry(join(folder, "registry"));
  ({ host } = registry);
  raw = join(folder, "disk.raw");
  const handle = openSync(raw, "w");
  for (const at of [0, 30 * MIB + 4096, RAW_BYTES - MIB]) writeSync(handle, noise(MIB / 2, at), 0, MIB / 2, at);
  closeSync(handle);
  truncateSync(raw, RAW_BYTES);
  iso = join(folder, "install.iso");
  const bytes = Buffer.alloc(MIB, 7);
  bytes.write("\x01CD001\x01", 32_768, "latin1");
  writeFileSync(iso, bytes);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Data = Readonly<Record<string, unknown>>;

async function execute(
  command: CommandFunction,
  args: readonly string[],
  options: Data = {},
  stages: string[] = [],
): Promise<Data> {
  const context = {
    env: { HOME: folder, XDG_CONFIG_HOME: join(folder, "config") },
    stdout: () => undefined,
    stderr: () => undefined,
    progress: {
      ...NO_PROGRESS,
      stage: (name: string) => {
        stages.push(name);
        return NO_PROGRESS.stage(name);
      },
    },
    json: true,
    storePath: join(folder, "store"),
    signal: new AbortController().signal,
  };
  return (await command(context, args, { tlsVerify: false, ...options })).data as Data;
}

function fresh(name: string): string {
  const path = join(folder, name);
  rmSync(path, { recursive: true, force: true });
  return path;
}

function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

async function skopeo(...args: readonly string[]): Promise<string> {
  return (await run("skopeo", ["--insecure-policy", "--override-os", "linux", "--override-arch", "amd64", ...args]))
    .stdout;
}

async function qcow2(): Promise<string> {
  const path = join(folder, "disk.qcow2");
  if (!existsSync(path)) await run("qemu-img", ["convert", "-O", "qcow2", raw, path]);
  return path;
}

async function expectSameDisk(left: string, right: string): Promise<void> {
  expect((await run("qemu-img", ["compare", left, right])).stdout).toContain("Images are identical");
}

describe("artifacts", () => {
  it("go to a registry and come back under their name, holes and all", async () => {
    const pushed = await execute(mediaPush, [raw, `${host}/disks/raw:1`]);
    expect(pushed).toMatchObject({ format: "raw", form: "artifact", sizeBytes: RAW_BYTES });
    expect(await execute(mediaPush, [raw, `${host}/disks/raw:1`])).toMatchObject({ digest: pushed["digest"] });
    const output = fresh("pulled");
    mkdirSync(output);
    const pulled = await execute(mediaPull, [`${host}/disks/raw:1`], { output });
    expect(pulled).toMatchObject({ path: join(output, "disk.raw"), digest: pushed["digest"], sizeBytes: RAW_BYTES });
    expect(sha256Of(join(output, "disk.raw"))).toBe(sha256Of(raw));
    expect(statSync(join(output, "disk.raw")).blocks * 512).toBeLessThan(4 * MIB);
    await expect(execute(mediaPull, [`${host}/disks/raw:1`], { output })).rejects.toMatchObject({ code: "EXISTS" });
  });

  it("may be ISO files, and be compressed", async () => {
    const pushed = await execute(mediaPush, [iso, `${host}/disks/iso:1`], { compress: "zstd" });
    expect(pushed).toMatchObject({ format: "iso", layer: { mediaType: "application/vnd.slipway.disk.v1.iso+zstd" } });
    const output = fresh("back.iso");
    expect(await execute(mediaPull, [`${host}/disks/iso:1`], { output })).toMatchObject({ name: "install.iso" });
    expect(sha256Of(output)).toBe(sha256Of(iso));
  });

  it.each<[string, Data & { readonly to?: string }, string]>([
    ["missing.raw", {}, "NOT_A_DISK"],
    [".", {}, "NOT_A_DISK"],
    ["disk.raw", { arch: "arm64" }, "BAD_OPTION"],
    ["disk.raw", { arch: "arm 64", containerDisk: true }, "BAD_PLATFORM"],
    ["disk.raw", { to: "docker-archive:no.tar" }, "BAD_OPTION"],
    ["disk.raw", { to: "containers-storage:no" }, "BAD_OPTION"],
    ["disk.raw", { to: "docker-archive:no.tar", compress: "zstd", containerDisk: true }, "UNSUPPORTED"],
  ])("are refused before anything is read: %s %o", async (name, { to, ...options }, code) => {
    const stages: string[] = [];
    const pushed = execute(mediaPush, [join(folder, name), to ?? `${host}/disks/no:1`], options, stages);
    await expect(pushed).rejects.toMatchObject({ code });
    expect(stages).toEqual([]);
  });

  it("are not read before the registry is known to take them", async () => {
    const users = join(folder, "users");
    writeFileSync(users, `ann:${hashSync("secret", 4)}\n`);
    await using closed = await serveRegistry(fresh("closed"), ["--htpasswd", users, "--anonymous-read"]);
    const stages: string[] = [];
    const pushed = execute(mediaPush, [raw, `${closed.host}/disks/raw:1`], {}, stages);
    await expect(pushed).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect(stages).toEqual([]);
  });

  it("stay in the local store when it is pruned, and leave it for a file", async () => {
    await execute(mediaPush, [raw, "disk:1"]);
    await execute(prune, [], { yes: true });
    expect((await execute(images, []))["images"]).toMatchObject([{ name: "localhost/disk:1" }]);
    const output = fresh("stored.raw");
    await execute(mediaExtract, ["disk:1"], { output });
    expect(sha256Of(output)).toBe(sha256Of(raw));
  });

  it.each(["../evil", "/tmp/evil", ".bashrc", ""])("do not choose where they are written: %j", async (title) => {
    const layout = fresh("hostile");
    mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
    writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    const type = "application/vnd.oci.image.manifest.v1+json";
    const layer = putBlob(layout, "application/octet-stream", Buffer.from("evil"));
    const annotations = { "org.opencontainers.image.title": title };
    const config = putBlob(layout, "application/vnd.oci.empty.v1+json", Buffer.from("{}"));
    const manifest = { schemaVersion: 2, mediaType: type, config, layers: [{ ...layer, annotations }] };
    nameImage(layout, putJson(layout, type, manifest), "1");
    const output = fresh("into");
    mkdirSync(output);
    await expect(execute(mediaExtract, [`oci:${layout}:1`], { output })).rejects.toMatchObject({ code: "BAD_NAME" });
    await execute(mediaExtract, [`oci:${layout}:1`], { output: join(output, "named") });
    expect(readFileSync(join(output, "named"), "utf8")).toBe("evil");
  });

  oracle(
    ["skopeo", "qemu-img"],
    "are copied by skopeo, and the disk is the same",
    async () => {
      const disk = await qcow2();
      const { digest } = await execute(mediaPush, [disk, `${host}/disks/qcow2:1`]);
      const manifest = await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${host}/disks/qcow2:1`);
      expect(JSON.parse(manifest)).toMatchObject({ artifactType: "application/vnd.slipway.disk.v1" });
      const layout = fresh("by-skopeo");
      await skopeo("copy", "--src-tls-verify=false", `docker://${host}/disks/qcow2:1`, `oci:${layout}:1`);
      expect(readIndex(layout).manifests[0]?.digest).toBe(digest);
      const output = fresh("skopeo.qcow2");
      expect(await execute(mediaExtract, [`oci:${layout}:1`], { output })).toMatchObject({ digest, format: "qcow2" });
      await expectSameDisk(output, raw);
    },
    { proves: "other tools carry our artifacts" },
  );
});

describe("container disks", () => {
  oracle(
    ["skopeo", "umoci", "qemu-img", asRoot],
    "are images to skopeo, and umoci unpacks the disk as KubeVirt wants it",
    async () => {
      const disk = await qcow2();
      const pushed = await execute(mediaPush, [disk, `${host}/vm/os:1`], { containerDisk: true, arch: "amd64" });
      const seen = JSON.parse(await skopeo("inspect", "--tls-verify=false", `docker://${host}/vm/os:1`)) as object;
      expect(seen).toMatchObject({ Digest: pushed["digest"], Architecture: "amd64", Os: "linux" });
      const layout = fresh("vm");
      await skopeo("copy", "--src-tls-verify=false", `docker://${host}/vm/os:1`, `oci:${layout}:1`);
      const bundle = fresh("bundle");
      await run("umoci", ["unpack", "--image", `${layout}:1`, bundle]);
      const unpacked = join(bundle, "rootfs/disk/boot.qcow2");
      expect(statSync(unpacked)).toMatchObject({ uid: 107, gid: 107, mode: 0o100440 });
      await expectSameDisk(unpacked, raw);
    },
    { proves: "our container disks are images" },
  );

  oracle(
    ["skopeo", "qemu-img"],
    "are taken apart wherever they are",
    async () => {
      const disk = await qcow2();
      const wanted = sha256Of(disk);
      const layout = fresh("one");
      await execute(mediaPush, [disk, `oci:${layout}:1`], { containerDisk: true, compress: "zstd" });
      const archive = fresh("saved.tar");
      await execute(mediaPush, [disk, `docker-archive:${archive}:vm/os:1`], { containerDisk: true });
      const gzipped = fresh("gzipped");
      await skopeo("copy", "--dest-compress", `docker-archive:${archive}`, `dir:${gzipped}`);
      await execute(mediaPush, [disk, "vm:1"], { containerDisk: true });
      for (const place of [`oci:${layout}:1`, `docker-archive:${archive}`, `dir:${gzipped}`, "vm:1"]) {
        const output = fresh("taken.qcow2");
        expect(await execute(mediaExtract, [place], { output })).toMatchObject({
          form: "container-disk",
          name: "boot.qcow2",
        });
        expect(sha256Of(output)).toBe(wanted);
      }
    },
    { proves: "container disks are read from any transport" },
  );

  oracle(
    "qemu-img",
    "of several architectures are one name, and --arch chooses",
    async () => {
      await execute(mediaPush, [raw, `${host}/vm/list:amd64`], { containerDisk: true, arch: "amd64" });
      await execute(mediaPush, [await qcow2(), `${host}/vm/list:arm64`], { containerDisk: true, arch: "aarch64" });
      await execute(manifestCreate, [
        `${host}/vm/list:1`,
        `docker://${host}/vm/list:amd64`,
        `docker://${host}/vm/list:arm64`,
      ]);
      await execute(manifestPush, [`${host}/vm/list:1`]);
      for (const [arch, name] of [
        ["amd64", "boot.img"],
        ["arm64", "boot.qcow2"],
      ]) {
        const output = fresh("chosen");
        expect(await execute(mediaPull, [`${host}/vm/list:1`], { arch, output })).toMatchObject({ name });
        await expectSameDisk(output, raw);
      }
    },
    { proves: "container disks have a platform" },
  );

  oracle(
    ["podman", "qemu-img", asRoot],
    "that podman has built are taken apart, and podman loads ours",
    async () => {
      const disk = await qcow2();
      const context = fresh("context");
      mkdirSync(context);
      await run("cp", [disk, join(context, "fedora.qcow2")]);
      writeFileSync(join(context, "Containerfile"), "FROM scratch\nADD --chown=107:107 fedora.qcow2 /disk/\n");
      const podman = ["--root", fresh("podman"), "--runroot", fresh("podman-run"), "--storage-driver", "vfs"];
      const built = fresh("built.tar");
      await run("podman", [...podman, "build", "-q", "-t", "vm:built", context]);
      await run("podman", [...podman, "save", "-q", "--format", "docker-archive", "-o", built, "vm:built"]);
      const output = fresh("built.qcow2");
      expect(await execute(mediaExtract, [`docker-archive:${built}`], { output })).toMatchObject({
        name: "fedora.qcow2",
      });
      expect(sha256Of(output)).toBe(sha256Of(disk));

      const ours = fresh("ours.tar");
      await execute(mediaPush, [disk, `oci-archive:${ours}:vm:ours`], { containerDisk: true, arch: "amd64" });
      await run("podman", [...podman, "load", "-q", "-i", ours]);
      const { stdout } = await run("podman", [...podman, "images", "-q", "--no-trunc"]);
      const config = (await imageOf(ours)).config;
      expect(stdout).toContain(config);
    },
    { proves: "podman and we understand each other's container disks" },
  );
});

/** Digest of the config of the one image of an archive. */
async function imageOf(archive: string): Promise<{ readonly config: string }> {
  const layout = fresh("unpacked-archive");
  mkdirSync(layout);
  await run("tar", ["-C", layout, "-xf", archive]);
  const manifest = readJson<{ config: { digest: string } }>(layout, readIndex(layout).manifests[0]?.digest ?? "");
  return { config: manifest.config.digest };
}
