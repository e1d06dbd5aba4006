/**
 * A whole disk of a real Debian system, judged by tools that we did not write: sgdisk, fsck.vfat, e2fsck, qemu-img, the
 * kernel's ext4, ostree. One disk is made and shared by the tests of this file.
 */
import { copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { extractPartition, listTree, mountImage, partitionsOf } from "../support/disk.ts";
import { debianImage, SHARED_STORE, slipway, slipwayJson } from "../support/slipway.ts";
import { asRoot, missingOf, oracle, run, tempDir, type TempFolder } from "../support/tools.ts";

interface CreateResult {
  readonly files: readonly {
    readonly path: string;
    readonly format: string;
    readonly sizeBytes: number;
    readonly digest: string;
  }[];
  readonly deployment: { readonly commit: string; readonly bootChecksum: string };
  readonly manifestDigest: string;
  readonly plan: {
    readonly partitions: readonly {
      readonly name: string;
      readonly sizeBytes: number;
      readonly fileSystem?: { readonly uuid: string };
    }[];
  };
}

const MAKERS = ["mmdebstrap", asRoot];
const canMake = missingOf(MAKERS).length === 0;

describe("a disk of Debian trixie", () => {
  let folder: TempFolder;
  let image: string;
  let made: CreateResult;
  let raw: string;
  let qcow2: string;

  beforeAll(async () => {
    folder = tempDir();
    if (!canMake) return;
    image = await debianImage("trixie");
    made = await slipwayJson<CreateResult>([
      "disk",
      "create",
      image,
      "--type",
      "qcow2,raw",
      "-o",
      folder.path,
      "--karg",
      "console=ttyS0",
    ]);
    raw = folder.join("disk.raw");
    qcow2 = folder.join("disk.qcow2");
  });
  afterAll(() => folder[Symbol.dispose]());

  oracle(
    [...MAKERS, "sgdisk", "sfdisk"],
    "has a partition table that sgdisk finds no problem in",
    async () => {
      expect((await run("sgdisk", ["-v", raw])).stdout).toContain("No problems found");
      expect((await partitionsOf(raw)).map((each) => [each.name, each.type.toLowerCase()])).toEqual([
        ["BIOS-BOOT", "21686148-6449-6e6f-744e-656564454649"],
        ["EFI-SYSTEM", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"],
        ["root", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"],
      ]);
    },
    { proves: "the partition table" },
  );

  oracle(
    [...MAKERS, "qemu-img"],
    "is the same disk as qcow2 and raw",
    async () => {
      expect((await run("qemu-img", ["check", qcow2])).stdout).toContain("No errors were found");
      expect((await run("qemu-img", ["compare", raw, qcow2])).stdout).toContain("Images are identical");
      for (const file of made.files) {
        expect((await run("sha256sum", [file.path])).stdout.split(" ")[0]).toBe(file.digest.slice("sha256:".length));
        expect((await stat(file.path)).size).toBe(file.sizeBytes);
      }
    },
    { proves: "both outputs agree and their digests are right" },
  );

  oracle(
    [...MAKERS, "fsck.vfat", "mdir", "sfdisk"],
    "has an EFI partition that fsck.vfat accepts, with shim and GRUB",
    async () => {
      const esp = await extractPartition(raw, "EFI-SYSTEM", folder);
      await run("fsck.vfat", ["-n", esp]);
      const listing = (await run("mdir", ["-/", "-b", "-i", esp, "::"])).stdout;
      for (const name of ["BOOTX64.EFI", "grubx64.efi", "mmx64.efi", "debian/grub.cfg"])
        expect(listing).toContain(name);
    },
    { proves: "the EFI partition" },
  );

  oracle(
    [...MAKERS, "e2fsck", "dumpe2fs", "sfdisk"],
    "has a root file system that e2fsck accepts and that can grow 1,000 ×",
    async () => {
      const root = await extractPartition(raw, "root", folder);
      await run("e2fsck", ["-fn", root]);
      const facts = (await run("dumpe2fs", ["-h", root])).stdout;
      for (const feature of [
        "has_journal",
        "ext_attr",
        "resize_inode",
        "dir_index",
        "extent",
        "64bit",
        "flex_bg",
        "verity",
        "metadata_csum",
      ]) {
        expect(facts).toContain(feature);
      }
      const sizeBytes = made.plan.partitions.find((each) => each.name === "root")?.sizeBytes ?? 0;
      const reserved = Number(/Reserved GDT blocks:\s+(\d+)/.exec(facts)?.[1]);
      // A block of 64-byte descriptors covers 64 groups of 128 MiB.
      expect((reserved + 1) * 64 * 128 * 1024 ** 2).toBeGreaterThanOrEqual(
        Math.min(sizeBytes * 1000, 2 * 1024 ** 4) * 0.999,
      );
    },
    { proves: "the root file system" },
  );

  oracle(
    [...MAKERS, "ostree", "mount", "sfdisk"],
    "is a sysroot that ostree agrees with",
    async () => {
      const root = await extractPartition(raw, "root", folder);
      await using mounted = await mountImage(root, folder);
      const repo = `${mounted.path}/ostree/repo`;
      await run("ostree", ["fsck", `--repo=${repo}`, "--quiet"]);
      const status = await run("ostree", ["admin", "status", `--sysroot=${mounted.path}`]);
      expect(status.stdout).toContain(`default ${made.deployment.commit}.0`);
      const refs = (await run("ostree", ["refs", `--repo=${repo}`])).stdout.trim().split("\n").sort();
      expect(refs).toEqual(
        expect.arrayContaining([
          "ostree/1/1/0",
          expect.stringMatching(/^ostree\/container\/blob\/sha256_3A_/),
          expect.stringMatching(/^ostree\/container\/image\/docker_3A__2F__2F_localhost\/debian_3A_trixie$/),
        ]),
      );
      const digest = await run("ostree", [
        "show",
        `--repo=${repo}`,
        "--print-metadata-key=ostree.manifest-digest",
        made.deployment.commit,
      ]);
      expect(digest.stdout.trim()).toBe(`'${made.manifestDigest}'`);
    },
    { proves: "repository and deployment" },
  );

  oracle(
    [...MAKERS, "ostree", "skopeo", "umoci", "mount", "getfattr", "sfdisk"],
    "deploys the tree that umoci and ostree deploy",
    async () => {
      // The peer: unpack with umoci, commit and deploy with ostree.
      const peer = folder.join("peer");
      await mkdir(peer);
      // Debian 12's umoci knows no zstd.
      const gzipped = `${peer}/layout`;
      await run("skopeo", [
        "copy",
        "--dest-compress-format=gzip",
        `oci:${SHARED_STORE}:localhost/${image}`,
        `oci:${gzipped}:image`,
      ]);
      await run("umoci", ["unpack", "--image", `${gzipped}:image`, `${peer}/bundle`]);
      const tree = `${peer}/bundle/rootfs`;
      await run("sh", ["-c", 'cd "$0" && rm -rf dev/* run/* tmp/* proc/* sys/* && mv etc usr/etc', tree]);
      await run("ostree", ["init", `--repo=${peer}/repo`, "--mode=bare"]);
      await run("ostree", ["commit", `--repo=${peer}/repo`, "-b", "peer", `--tree=dir=${tree}`]);
      await run("ostree", ["checkout", `--repo=${peer}/repo`, "-H", "peer", `${peer}/checkout`]);
      await run("cp", ["-a", `${peer}/checkout/usr/etc`, `${peer}/checkout/etc`]);
      const root = await extractPartition(raw, "root", folder);
      await using mounted = await mountImage(root, folder);
      const ours = await listTree(`${mounted.path}/ostree/deploy/default/deploy/${made.deployment.commit}.0`);
      const theirs = await listTree(`${peer}/checkout`);
      expect(ours.length).toBeGreaterThan(10_000);
      expect(difference(ours, theirs)).toEqual([]);
      // Every file of the deployment is its object's inode: as many names as checkouts of it, plus the object.
      const unshared = await run("sh", [
        "-c",
        `find "$0/usr" -path "$0/usr/etc" -prune -o -type f -size +0 -links 1 -print | head -5`,
        `${mounted.path}/ostree/deploy/default/deploy/${made.deployment.commit}.0`,
      ]);
      expect(unshared.stdout).toBe("");
    },
    { proves: "names, modes, owners, xattrs and contents of the deployed tree" },
  );

  oracle(
    [...MAKERS],
    "has the same bytes when made again, elsewhere, at another time, by a user without privileges",
    async () => {
      const again = folder.join("again");
      await mkdir(again, { mode: 0o777 });
      await run("chmod", ["777", again]);
      const store = folder.join("store-copy");
      await run("cp", ["-a", "--reflink=auto", SHARED_STORE, store]);
      await run("rm", ["-rf", `${store}/cache`]);
      await run("chown", ["-R", "65534:65534", store]);
      await run("chmod", ["755", folder.path]);
      const outcome = await slipway(
        ["disk", "create", image, "--type", "qcow2", "-o", again, "--karg", "console=ttyS0"],
        {
          env: { SLIPWAY_STORE: store, TZ: "Asia/Tokyo", LC_ALL: "C", HOME: again, HOSTNAME: "elsewhere" },
          under: [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
            "--no-new-privs",
            "--inh-caps=-all",
          ],
        },
      );
      expect(outcome.exitCode, outcome.stderr).toBe(0);
      await run("cmp", [qcow2, `${again}/disk.qcow2`]);
      expect(await readdir(again)).toEqual(["disk.qcow2"]);
    },
    { proves: "reproducible disks without privileges" },
  );

  oracle(
    [...MAKERS, "qemu-img"],
    "compresses to the same disk",
    async () => {
      for (const method of ["zstd", "zlib"]) {
        const output = folder.join(method);
        await slipwayJson(["disk", "create", image, "-o", output, "--compress", method, "--karg", "console=ttyS0"]);
        await run("qemu-img", ["check", `${output}/disk.qcow2`]);
        expect((await run("qemu-img", ["compare", raw, `${output}/disk.qcow2`])).stdout).toContain("identical");
        expect((await stat(`${output}/disk.qcow2`)).size).toBeLessThan((await stat(qcow2)).size * 0.7);
      }
    },
    { proves: "compressed qcow2" },
  );

  oracle(
    [...MAKERS, "sgdisk", "resize2fs", "e2fsck", "sfdisk"],
    "grows with the distribution's own tools",
    async () => {
      const grown = folder.join("grown.raw");
      await copyFile(raw, grown);
      await run("truncate", ["-s", "40G", grown]);
      await run("sgdisk", ["-e", grown]);
      const root = await extractPartition(grown, "root", folder);
      await run("truncate", ["-s", "38G", root]);
      await run("resize2fs", [root]);
      await run("e2fsck", ["-fn", root]);
    },
    { proves: "growth" },
  );

  oracle(
    [...MAKERS],
    "prints the plan and writes nothing with --dry-run",
    async () => {
      const output = folder.join("dry");
      const plan = await slipwayJson<CreateResult>([
        "disk",
        "create",
        image,
        "--dry-run",
        "-o",
        output,
        "--karg",
        "console=ttyS0",
      ]);
      expect(plan.plan).toEqual(made.plan);
      expect(plan.deployment).toEqual(made.deployment);
      await expect(stat(output)).rejects.toMatchObject({ code: "ENOENT" });
    },
    { proves: "dry runs" },
  );

  oracle(
    [...MAKERS, "grep"],
    "holds nothing of the machine that made it",
    async () => {
      const host = (await readFile("/proc/sys/kernel/hostname", "utf8")).trim();
      const kernel = (await readFile("/proc/sys/kernel/osrelease", "utf8")).trim();
      for (const secret of [kernel, process.cwd(), folder.path, ...(host.length > 5 ? [host] : [])]) {
        const found = await run("grep", ["-c", "-a", "-F", secret, raw], { allowExit: [0, 1] });
        expect(found.stdout.trim(), secret).toBe("0");
      }
    },
    { proves: "nothing of the host enters the disk" },
  );
});

/** Lines that only one side has, marked, at most twenty. */
function difference(ours: readonly string[], theirs: readonly string[]): string[] {
  const left = new Set(ours);
  const right = new Set(theirs);
  return [
    ...ours.filter((line) => !right.has(line)).map((line) => `+ ${line}`),
    ...theirs.filter((line) => !left.has(line)).map((line) => `- ${line}`),
  ].slice(0, 20);
}
