/**
 * Images of several layers on their way into a disk: whiteouts, links and every compression beside umoci and ostree;
 * archives; indexes of several architectures; chunked images of real bootc with a layer on top.
 */
import { mkdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { extractPartition, listTree, mountImage } from "../support/disk.ts";
import { type JsonManifest, nameImage, putBlob, putJson, readIndex, readJson, sha256 } from "../support/layout.ts";
import { slipway, slipwayJson, type SlipwayOptions } from "../support/slipway.ts";
import { TINY_SYSTEM, type TarItem, tarOf, tinyImage } from "../support/tiny-image.ts";
import { asRoot, oracle, run, tempDir, type TempFolder } from "../support/tools.ts";

const VECTORS = "test/vectors/bootc/encapsulate";
const BASE_COMMIT = "f6f69220be3c7d50de9ee303c81970487f4cc5fe61f04789f3132e9eff92e1bd";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const MOUNT = [asRoot, "mount", "sfdisk", "e2fsck", "ostree"];

interface Created {
  readonly deployment: { readonly commit: string };
  readonly manifestDigest: string;
  readonly files: readonly { readonly digest: string }[];
}

const folderItem = (path: string): TarItem => ({ path: `${path}/`, type: "directory" });

const BASE_LAYER: readonly TarItem[] = [
  ...TINY_SYSTEM,
  { path: "usr/share/gone", data: "gone\n" },
  ...["usr/share/gone-dir", "usr/share/opaque", "usr/share/opaque/deep", "usr/share/kept"].map(folderItem),
  { path: "usr/share/gone-dir/file", data: "gone\n" },
  { path: "usr/share/opaque/below", data: "below\n" },
  { path: "usr/share/opaque/deep/below", data: "below\n" },
  { path: "usr/share/kept/a", data: "a\n" },
  { path: "usr/share/kept/b", data: "b\n" },
  { path: "usr/share/was-file", data: "file\n" },
  folderItem("usr/share/was-folder"),
  { path: "usr/share/was-folder/inside", data: "inside\n" },
  { path: "usr/share/was-link", type: "symlink", target: "kept", mode: 0o777 },
  { path: "usr/bin/one", data: "one\n", mode: 0o755 },
  { path: "usr/bin/two", type: "hardlink", target: "usr/bin/one" },
  { path: "etc/removed", data: "removed\n" },
  { path: "etc/changed", data: "old\n", mode: 0o600 },
];
const SECOND_LAYER: readonly TarItem[] = [
  ...["usr", "usr/share", "usr/share/opaque"].map(folderItem),
  { path: "usr/share/.wh.gone" },
  { path: "usr/share/.wh.gone-dir" },
  { path: "usr/share/opaque/above", data: "above\n" },
  { path: "usr/share/opaque/.wh..wh..opq" },
  { path: "usr/share/kept/.wh.a" },
  { path: "usr/share/kept/c", data: "c\n", xattrs: { "user.note": Buffer.from([1, 10, 0, 255]) } },
  folderItem("usr/share/was-file"),
  { path: "usr/share/was-file/now", data: "a folder\n" },
  { path: "usr/share/.wh.was-folder" },
  { path: "usr/share/was-link", data: "a file\n" },
  { path: "etc/.wh.removed" },
  { path: "etc/changed", data: "new\n", mode: 0o640, uid: 12, gid: 34 },
  { path: "usr/bin/one", data: "one again\n", mode: 0o700 },
];
const THIRD_LAYER: readonly TarItem[] = [
  ...["usr", "usr/share"].map(folderItem),
  { path: "usr/share/was-folder", data: "a file\n" },
  { path: "usr/share/gone", data: "back\n" },
  { path: "usr/bin/three", data: "three\n", mode: 0o4755 },
  { path: "usr/bin/four", type: "hardlink", target: "usr/bin/three" },
  { path: "etc/linked", type: "hardlink", target: "usr/bin/three" },
];
const LAYERS = [BASE_LAYER, SECOND_LAYER, THIRD_LAYER];

describe("layers", () => {
  oracle(
    [...MOUNT, "umoci", "getfattr"],
    "of three compressions deploy the tree that umoci and ostree deploy",
    async () => {
      using folder = tempDir();
      const reference = tinyImage(folder.join("layout"), LAYERS, { compression: ["gzip", "zstd", "none"] });
      const made = await create(folder, reference);
      // umoci of Debian 12 does not know zstd.
      tinyImage(folder.join("peer-layout"), LAYERS);
      const tree = folder.join("bundle/rootfs");
      await run("umoci", ["unpack", "--image", `${folder.join("peer-layout")}:latest`, folder.join("bundle")]);
      await run("mv", [`${tree}/etc`, `${tree}/usr/etc`]);
      await run("ostree", ["init", `--repo=${folder.join("repo")}`, "--mode=bare"]);
      await run("ostree", ["commit", `--repo=${folder.join("repo")}`, "-b", "peer", `--tree=dir=${tree}`]);
      await run("ostree", ["checkout", `--repo=${folder.join("repo")}`, "-H", "peer", folder.join("checkout")]);
      await run("cp", ["-a", folder.join("checkout/usr/etc"), folder.join("checkout/etc")]);
      const root = await soundRoot(folder);
      await using mounted = await mountImage(root, folder);
      const ours = await listTree(`${mounted.path}/ostree/deploy/default/deploy/${made.deployment.commit}.0`);
      expect(ours).toEqual(await listTree(folder.join("checkout")));
      expect(ours.some((line) => line.startsWith("usr/bin/four\t"))).toBe(true);
      await run("ostree", ["fsck", `--repo=${mounted.path}/ostree/repo`, "--quiet"]);
      // One object under all three names: inode and count.
      const names = ["usr/bin/three", "usr/bin/four", "usr/etc/linked"];
      const system = `${mounted.path}/ostree/deploy/default/deploy/${made.deployment.commit}.0`;
      const { stdout } = await run("stat", ["-c", "%i %h", ...names.map((name) => `${system}/${name}`)]);
      expect(new Set(stdout.trim().split("\n"))).toHaveLength(1);
      expect(stdout).toMatch(/^\d+ 4\n/);
    },
    { proves: "whiteouts, replacements, links and compressions" },
  );

  oracle(
    MOUNT,
    "keep hard links to files of the layers below",
    async () => {
      using folder = tempDir();
      const upper: readonly TarItem[] = [{ path: "usr/bin/linked", type: "hardlink", target: "usr/bin/app" }];
      const made = await create(folder, tinyImage(folder.join("layout"), [TINY_SYSTEM, upper]));
      await using mounted = await mountImage(await soundRoot(folder), folder);
      const system = `${mounted.path}/ostree/deploy/default/deploy/${made.deployment.commit}.0`;
      await run("cmp", [`${system}/usr/bin/app`, `${system}/usr/bin/linked`]);
      expect((await run("stat", ["-c", "%a", `${system}/usr/bin/linked`])).stdout).toBe("755\n");
      await run("ostree", ["fsck", `--repo=${mounted.path}/ostree/repo`, "--quiet"]);
    },
    { proves: "links across layers" },
  );
});

describe("an oci-archive", () => {
  it("gives the bytes that its layout gives, whoever packed it", async () => {
    using folder = tempDir();
    const reference = tinyImage(folder.join("layout"), LAYERS, { compression: ["zstd", "gzip", "none"] });
    const wanted = await create(folder, reference);
    await run("tar", ["-C", folder.join("layout"), "-cf", folder.join("dot.tar"), "."]);
    await run("sh", ["-c", 'cd "$0" && tar -cf ../plain.tar *', folder.join("layout")]);
    for (const name of ["dot.tar:latest", "plain.tar:latest", "dot.tar"]) {
      const made = await create(folder, `oci-archive:${folder.join(name)}`);
      expect(made.files[0]?.digest).toBe(wanted.files[0]?.digest);
    }
  });

  oracle(
    "skopeo",
    "may come from skopeo",
    async () => {
      using folder = tempDir();
      const reference = tinyImage(folder.join("layout"), LAYERS);
      const wanted = await create(folder, reference);
      const archive = `oci-archive:${folder.join("skopeo.tar")}:os`;
      await run("skopeo", ["--insecure-policy", "copy", "--preserve-digests", reference, archive]);
      expect(await create(folder, archive)).toMatchObject({
        manifestDigest: wanted.manifestDigest,
        files: [{ digest: wanted.files[0]?.digest }],
      });
    },
    { proves: "archives of skopeo" },
  );
});

describe("an index of several architectures", () => {
  it("needs --arch, and then gives what the one image gives", async () => {
    using folder = tempDir();
    const layout = folder.join("layout");
    const images = ["amd64", "arm64"].map((architecture) => {
      tinyImage(layout, [systemOf(architecture)], { architecture });
      const [descriptor] = readIndex(layout).manifests;
      if (descriptor === undefined) throw new Error("the layout has no image");
      return { ...descriptor, platform: { os: "linux", architecture } };
    });
    const attestation = putJson(layout, MANIFEST, { schemaVersion: 2, layers: [] });
    const unknown = { ...attestation, platform: { os: "unknown", architecture: "unknown" } };
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: [...images, unknown] };
    nameImage(layout, putJson(layout, INDEX, index), "multi");
    for (const [arch, wanted] of [
      ["amd64", images[0]],
      ["x86_64", images[0]],
      ["arm64", images[1]],
      ["aarch64", images[1]],
    ] as const) {
      const made = await create(folder, `oci:${layout}:multi`, ["--arch", arch]);
      expect(made.manifestDigest).toBe(wanted?.digest);
    }
    for (const args of [[], ["--arch", "riscv64"]]) {
      const outcome = await slipway(["disk", "create", `oci:${layout}:multi`, "-o", folder.join("no"), ...args], {
        env: { SLIPWAY_STORE: folder.join("store") },
      });
      expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("--arch") });
    }
  });
});

describe("a chunked image", () => {
  for (const name of ["chunked", "derived"]) {
    oracle(
      [...MOUNT, "tar"],
      `of real bootc (${name}) with a layer on top is deployed on its base commit`,
      async () => {
        using folder = tempDir();
        const layout = folder.join("layout");
        mkdirSync(layout);
        await run("tar", ["-C", layout, "-xf", `${VECTORS}/${name}.oci.tar`]);
        const manifest = addLayer(layout, BOOTABLE_LAYER);
        const made = await create(folder, `oci:${layout}:bootable`);
        await using mounted = await mountImage(await soundRoot(folder), folder);
        const repo = `--repo=${mounted.path}/ostree/repo`;
        await run("ostree", ["fsck", repo, "--quiet"]);
        const refs = (await run("ostree", ["refs", repo])).stdout.trim().split("\n");
        const blobs = manifest.layers.map(({ digest }) => `ostree/container/blob/${digest.replace(":", "_3A_")}`);
        expect(refs.filter((ref) => ref.startsWith("ostree/container/blob/")).sort()).toEqual(blobs.sort());
        expect(await commitOf(repo, `ostree/container/blob/${manifest.layers[0]?.digest.replace(":", "_3A_")}`)).toBe(
          BASE_COMMIT,
        );
        expect(await commitOf(repo, `${made.deployment.commit}^`)).toBe(BASE_COMMIT);
        const image = refs.filter((ref) => ref.startsWith("ostree/container/image/"));
        expect(image).toHaveLength(1);
        expect(await commitOf(repo, image[0] ?? "")).toBe(made.deployment.commit);
        const system = `${mounted.path}/ostree/deploy/default/deploy/${made.deployment.commit}.0`;
        const { stdout } = await run("stat", ["-c", "%a %u:%g", `${system}/usr/share/deep/er/id`], {
          allowExit: name === "chunked" ? [0] : [1],
        });
        expect(stdout).toBe(name === "chunked" ? "644 3000000:4000000\n" : "");
        await run("cmp", [`${system}/usr/bin/app`, `${system}/usr/bin/app-again`]);
        expect(
          (await run("getfattr", ["-n", "security.capability", "-e", "hex", `${system}/usr/bin/ping`])).stdout,
        ).toContain("=0x0100000200200000000000000000000000000000");
      },
      { proves: "chunked images on disks" },
    );
  }
});

/** What the small system of the vectors lacks. */
const BOOTABLE_LAYER: readonly TarItem[] = TINY_SYSTEM.filter(({ path }) =>
  /^usr\/lib\/(ostree|shim|grub|tmpfiles\.d)\//.test(path),
);

/** The image with a layer more, under the name "bootable". */
function addLayer(layout: string, items: readonly TarItem[]): JsonManifest {
  const tar = tarOf(items);
  const manifest = readJson<JsonManifest>(layout, readIndex(layout).manifests[0]?.digest ?? "");
  const config = readJson<{ rootfs: { diff_ids: string[] }; history: object[] }>(layout, manifest.config.digest);
  config.rootfs.diff_ids.push(`sha256:${sha256(tar)}`);
  config.history.push({ created_by: "COPY grub" });
  const changed = {
    ...manifest,
    config: putJson(layout, CONFIG, config),
    layers: [...manifest.layers, putBlob(layout, LAYER, gzipSync(tar))],
  };
  nameImage(layout, putJson(layout, MANIFEST, changed), "bootable");
  return changed;
}

function systemOf(architecture: string): readonly TarItem[] {
  if (architecture === "amd64") return TINY_SYSTEM;
  return TINY_SYSTEM.map((item) => ({
    ...item,
    path: item.path.replace("x86_64-efi", "arm64-efi").replace("x64", "aa64"),
  }));
}

function create(folder: TempFolder, reference: string, args: readonly string[] = []): Promise<Created> {
  const options: SlipwayOptions = { env: { SLIPWAY_STORE: folder.join("store") } };
  // One target for all: it becomes part of the disk.
  const fixed = ["--type", "raw", "-o", folder.path, "--target-imgref", "registry.example/os:1"];
  return slipwayJson<Created>(["disk", "create", reference, ...fixed, ...args], options);
}

/** The root file system of `disk.raw`, which e2fsck finds clean. */
async function soundRoot(folder: TempFolder): Promise<string> {
  const root = await extractPartition(folder.join("disk.raw"), "root", folder);
  await run("e2fsck", ["-fn", root]);
  return root;
}

async function commitOf(repo: string, ref: string): Promise<string> {
  return (await run("ostree", ["rev-parse", repo, ref])).stdout.trim();
}
