/** The Debian base image as others see it: skopeo reads its labels, tar and systemd's own words judge its content. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect } from "vitest";
import { debianImage, SHARED_STORE } from "../support/slipway.ts";
import { asRoot, missingOf, oracle, run, tempDir } from "../support/tools.ts";

const NEEDS = ["mmdebstrap", "skopeo", "tar", "zstd", asRoot];

interface Inspected {
  readonly Digest: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Layers: readonly string[];
}

let inspected: Inspected;
/** `tar tv` of the layer: one line a path. */
let listing: readonly string[];
let layer: string;

beforeAll(async () => {
  if (missingOf(NEEDS).length > 0) return;
  await debianImage("trixie");
  const { stdout } = await run("skopeo", ["inspect", `oci:${SHARED_STORE}:localhost/debian:trixie`]);
  inspected = JSON.parse(stdout) as Inspected;
  layer = join(SHARED_STORE, "blobs/sha256", (inspected.Layers[0] ?? "").slice("sha256:".length));
  listing = (await run("tar", ["--zstd", "-tvf", layer, "--numeric-owner"])).stdout.split("\n");
}, 900_000);

/** Paths of the layer. */
const paths = (): string[] =>
  listing.flatMap((line) => {
    const words = line.split(/\s+/).slice(5).join(" ").split(" -> ")[0]?.split(" link to ")[0];
    return words === undefined || words === "" ? [] : [words.replace(/^\.\//, "")];
  });

const content = async (path: string): Promise<string> => (await run("tar", ["--zstd", "-xOf", layer, path])).stdout;

describe("slipway base debian", () => {
  const judge = (name: string, proves: string, body: () => unknown): void => oracle(NEEDS, name, body, { proves });

  judge("has one layer and the labels of a bootable image", "the image's labels", () => {
    expect(inspected.Layers).toHaveLength(1);
    expect(inspected.Labels).toMatchObject({
      "containers.bootc": "1",
      "org.opencontainers.image.version": expect.stringMatching(/^13\./) as string,
      "org.opencontainers.image.created": expect.stringMatching(/^20\d\d-.*Z$/) as string,
    });
  });

  judge("has one kernel with its initramfs, and the links of an image-mode root", "the shape of the root", () => {
    const files = paths();
    expect(files.filter((path) => /^usr\/lib\/modules\/[^/]+\/(vmlinuz|initramfs\.img)$/.test(path))).toHaveLength(2);
    for (const link of ["home", "root", "opt", "srv", "mnt", "usr/local"]) {
      expect(listing.some((line) => line.startsWith("l") && new RegExp(` ${link} -> (\\.\\./)?var/`).test(line))).toBe(
        true,
      );
    }
    expect(files).toEqual(
      expect.arrayContaining(["sysroot/", "usr/lib/ostree/prepare-root.conf", "usr/lib/shim/shimx64.efi.signed"]),
    );
  });

  judge("keeps nothing of the machine that made it", "one image serves many machines", async () => {
    const files = paths();
    expect(files.filter((path) => /^(boot|var|run|tmp|dev|proc|sys)\/./.test(path))).toEqual([]);
    expect(
      files.filter((path) => /ssh_host_|^var.*random-seed|^etc\/(hostname|fstab)$|99mmdebstrap/.test(path)),
    ).toEqual([]);
    expect(await content("etc/machine-id")).toBe("");
    const passwords = (await content("etc/shadow"))
      .trim()
      .split("\n")
      .map((line) => line.split(":")[1]);
    expect(passwords.filter((hash) => hash !== "*" && hash !== "!*" && hash !== "!")).toEqual([]);
  });

  oracle(
    [...NEEDS, "systemd-analyze", "systemd-tmpfiles"],
    "has units and tmpfiles.d lines that systemd accepts",
    async () => {
      using root = tempDir();
      await run("tar", ["--zstd", "-xf", layer, "-C", root.path]);
      const tmpfiles = await run("systemd-tmpfiles", [`--root=${root.path}`, "--create", "--prefix=/var"], {
        allowExit: [0, 65, 73],
      });
      expect(tmpfiles.stderr).not.toMatch(/(00|zz)-slipway/);
      expect(readFileSync(root.join("var/lib/dpkg/status"), "utf8")).toContain("Package: ostree\n");
      const verified = await run(
        "systemd-analyze",
        ["verify", `--root=${root.path}`, "grow-sysroot.service", "ssh-host-keys.service"],
        { allowExit: [0, 1] },
      );
      expect(verified.stderr).not.toMatch(
        /(grow-sysroot|ssh-host-keys)\.service:.*(Unknown|Failed|not found|ignoring)/i,
      );
    },
    { proves: "our units and lines are well-formed" },
  );
});
