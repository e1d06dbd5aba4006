/**
 * Images at the edges: 70,000 files, 70,000 names of one content (more than ext4's 65,000 links), names of 255 bytes,
 * sparse files as GNU tar writes them, capabilities with a newline inside. e2fsck, the kernel and ostree judge the disk;
 * then real ostree puts a second deployment on it.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extractPartition, mountImage } from "../support/disk.ts";
import { type Measured, measuredSlipway } from "../support/measured.ts";
import { slipway } from "../support/slipway.ts";
import { expectSparse, type SparseFile, sparseTar } from "../support/sparse.ts";
import { TINY_SYSTEM, type TarItem, tarOf, tinyImage } from "../support/tiny-image.ts";
import { asRoot, oracle, run, tempDir, type TempFolder } from "../support/tools.ts";

const COUNT = 70_000;
const MAX_LINKS = 65_000;
const FOLDERS = 7;
/** VFS capabilities, revision 2, effective: cap_net_bind_service (0x400), cap_setpcap and cap_setfcap's neighbours. */
const CAPABILITY = Buffer.from("0100000200040a00000000000a00000000000000", "hex");
const BINARY = Buffer.from([0, 10, 255, 61, 10, 49, 50, 32, 10]);
const LONG_NAMES = ["x".repeat(255), Buffer.from("ü".repeat(127) + "!").toString("latin1")];
const NEEDS = [asRoot, "mount", "sfdisk", "e2fsck", "ostree", "getfattr", "tar"];
const GNU_SPARSE: SparseFile = { path: "usr/share/sparse/gnu", sizeBytes: 256 * 1024 ** 2, format: "gnu" };
const PAX_SPARSE: SparseFile = { path: "usr/share/sparse/pax", sizeBytes: 5 * 1024 ** 3, format: "pax" };

let folder: TempFolder;
let made: Measured;
let root: string;
let deployment: string;
let decompressedBytes: number;

/** 300 MiB; 205 to 275 MiB were measured. */
const MAX_RESIDENT_BYTES = 300 * 1024 ** 2;

describe("an image of very many files", () => {
  beforeAll(async () => {
    folder = tempDir();
    const layers = [tarOf([...TINY_SYSTEM, ...manyFiles()]), await sparseTar(GNU_SPARSE, folder)];
    decompressedBytes = layers.reduce((sum, tar) => sum + tar.length, 0);
    const reference = tinyImage(folder.join("layout"), layers);
    made = await measuredSlipway(
      ["disk", "create", reference, "--type", "raw", "-o", folder.path, "--json"],
      folder.path,
    );
    expect(made.exitCode, made.stderr).toBe(0);
    deployment = (JSON.parse(made.stdout) as { deployment: { commit: string } }).deployment.commit;
  }, 120_000);
  afterAll(() => folder[Symbol.dispose]());

  it("becomes a disk within 300 MB of memory and 1.2 × the image of temporary space", () => {
    expect(made.residentBytes).toBeLessThanOrEqual(MAX_RESIDENT_BYTES);
    expect(made.temporaryBytes / decompressedBytes).toBeLessThanOrEqual(1.2);
  });

  oracle(
    NEEDS,
    "is consistent, linked, sparse and whole",
    async () => {
      root = await extractPartition(folder.join("disk.raw"), "root", folder);
      await run("e2fsck", ["-fn", root]);
      await using mounted = await mountImage(root, folder);
      const system = `${mounted.path}/ostree/deploy/default/deploy/${deployment}.0`;
      expect(await count(system, "usr/many/files", "-type", "f")).toBe(COUNT);
      // One inode takes all the names it can, a copy the rest and the object.
      expect(await count(system, "usr/many/same", "-links", String(MAX_LINKS))).toBe(MAX_LINKS);
      expect(await count(system, "usr/many/same", "-links", String(COUNT - MAX_LINKS + 1))).toBe(COUNT - MAX_LINKS);
      const same = ["0/0", `6/${COUNT - 1}`].map((name) => readFileSync(`${system}/usr/many/same/${name}`, "latin1"));
      expect(same).toEqual(["the same\n", "the same\n"]);
      expect(readFileSync(`${system}/usr/many/files/3/30003`, "latin1")).toBe("file 30003\n");
      for (const name of LONG_NAMES) {
        const path = Buffer.from(`${system}/usr/share/long/`, "latin1");
        expect(readFileSync(Buffer.concat([path, Buffer.from(name, "latin1")]), "latin1")).toBe("long\n");
      }
      await expectXattrs(`${system}/usr/bin/capable`);
      await expectSparse(system, GNU_SPARSE);
      await run("ostree", ["fsck", `--repo=${mounted.path}/ostree/repo`, "--quiet"]);
    },
    { proves: "70,000 files, link limits, sparse files and binary attributes" },
  );

  oracle(
    NEEDS,
    "takes a second deployment by ostree",
    async () => {
      {
        await using mounted = await mountImage(root, folder, "rw");
        const repo = `--repo=${mounted.path}/ostree/repo`;
        const extra = folder.join("extra");
        mkdirSync(`${extra}/usr/lib`, { recursive: true });
        await run("cp", ["-a", "--no-preserve=xattr", "/etc/passwd", `${extra}/usr/lib/second`]);
        await run("ostree", ["commit", repo, "-b", "second", `--tree=ref=${deployment}`, `--tree=dir=${extra}`]);
        await run("ostree", ["admin", "deploy", `--sysroot=${mounted.path}`, "--os=default", "second"]);
        const second = (await run("ostree", ["rev-parse", repo, "second"])).stdout.trim();
        const status = await run("ostree", ["admin", "status", `--sysroot=${mounted.path}`]);
        expect(status.stdout).toMatch(new RegExp(`${second}\\.0[^]*${deployment}\\.0`));
        const system = `${mounted.path}/ostree/deploy/default/deploy/${second}.0`;
        expect(await count(system, "usr/many/same", "-type", "f", "-size", "9c")).toBe(COUNT);
        await run("cmp", ["/etc/passwd", `${system}/usr/lib/second`]);
        await expectXattrs(`${system}/usr/bin/capable`);
      }
      await run("e2fsck", ["-fn", root]);
    },
    { proves: "ostree deploys on a disk whose object has all the links that ext4 allows" },
  );
});

describe("a sparse file of 5 GiB", () => {
  // test/long/big-files.test.ts has ostree hash it again, which takes a minute.
  oracle(
    NEEDS,
    "stays sparse from tar to disk",
    async () => {
      using work = tempDir();
      const layers = [TINY_SYSTEM, await sparseTar(PAX_SPARSE, work)];
      const reference = tinyImage(work.join("layout"), layers);
      const created = await measuredSlipway(
        ["disk", "create", reference, "--type", "raw", "-o", work.path, "--json"],
        work.path,
      );
      expect(created.exitCode, created.stderr).toBe(0);
      expect(created.residentBytes).toBeLessThanOrEqual(MAX_RESIDENT_BYTES);
      expect(created.temporaryBytes).toBeLessThanOrEqual(1024 ** 2);
      const image = await extractPartition(work.join("disk.raw"), "root", work);
      await run("e2fsck", ["-fn", image]);
      await using mounted = await mountImage(image, work);
      const { commit } = (JSON.parse(created.stdout) as { deployment: { commit: string } }).deployment;
      await expectSparse(`${mounted.path}/ostree/deploy/default/deploy/${commit}.0`, PAX_SPARSE);
    },
    { proves: "sparse files" },
  );
});

it("a name that is not UTF-8 is refused by name", async () => {
  using work = tempDir();
  const reference = tinyImage(work.join("layout"), [[...TINY_SYSTEM, { path: "usr/share/caf\xe9\n" }]]);
  const outcome = await slipway(["disk", "create", reference, "-o", work.join("out")], {
    env: { SLIPWAY_STORE: work.join("store") },
  });
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stderr).toMatch(/usr\/share\/caf\\xe9.*UTF-8/);
});

function manyFiles(): TarItem[] {
  const numbers = Array.from({ length: COUNT }, (_, index) => index);
  const folderOf = (index: number): number => Math.floor((index * FOLDERS) / COUNT);
  return [
    ...numbers.map((index) => ({ path: `usr/many/files/${folderOf(index)}/${index}`, data: `file ${index}\n` })),
    ...numbers.map((index) => ({ path: `usr/many/same/${folderOf(index)}/${index}`, data: "the same\n" })),
    ...LONG_NAMES.map((name) => ({ path: `usr/share/long/${name}`, data: "long\n" })),
    {
      path: "usr/bin/capable",
      data: "capable\n",
      mode: 0o755,
      xattrs: { "security.capability": CAPABILITY, "user.binary": BINARY },
    },
  ];
}

async function expectXattrs(path: string): Promise<void> {
  const listing = (await run("getfattr", ["-d", "-m", "-", "-e", "hex", "--absolute-names", path])).stdout;
  expect(listing).toContain(`security.capability=0x${CAPABILITY.toString("hex")}`);
  expect(listing).toContain(`user.binary=0x${BINARY.toString("hex")}`);
}

async function count(system: string, path: string, ...conditions: string[]): Promise<number> {
  const found = await run("sh", ["-c", 'cd "$0" && find "$@" -printf x | wc -c', system, path, ...conditions]);
  return Number(found.stdout);
}
