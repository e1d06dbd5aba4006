/** Files larger than 8 GiB, which tar headers cannot say in octal: sparse from tar to disk, hashed again by ostree. */
import { describe, expect } from "vitest";
import { extractPartition, mountImage } from "../support/disk.ts";
import { measuredSlipway } from "../support/measured.ts";
import { expectSparse, type SparseFile, sparseTar } from "../support/sparse.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

const GIB = 1024 ** 3;
const FILES: readonly SparseFile[] = [
  { path: "usr/share/sparse/pax", sizeBytes: 5 * GIB, format: "pax" },
  { path: "usr/share/sparse/gnu", sizeBytes: 9 * GIB, format: "gnu" },
];

describe("sparse files of 5 and 9 GiB", () => {
  oracle(
    [asRoot, "mount", "sfdisk", "e2fsck", "ostree", "tar"],
    "are what ostree says they are",
    async () => {
      using folder = tempDir();
      const layers = [TINY_SYSTEM, ...(await Promise.all(FILES.map((file) => sparseTar(file, folder))))];
      const reference = tinyImage(folder.join("layout"), layers);
      const made = await measuredSlipway(
        ["disk", "create", reference, "--type", "raw", "-o", folder.path, "--json"],
        folder.path,
      );
      expect(made.exitCode, made.stderr).toBe(0);
      expect(made.residentBytes).toBeLessThanOrEqual(300e6);
      expect(made.temporaryBytes).toBeLessThanOrEqual(1024 ** 2);
      const root = await extractPartition(folder.join("disk.raw"), "root", folder);
      await run("e2fsck", ["-fn", root]);
      await using mounted = await mountImage(root, folder);
      const { commit } = (JSON.parse(made.stdout) as { deployment: { commit: string } }).deployment;
      for (const file of FILES) await expectSparse(`${mounted.path}/ostree/deploy/default/deploy/${commit}.0`, file);
      await run("ostree", ["fsck", `--repo=${mounted.path}/ostree/repo`, "--quiet"]);
    },
    { proves: "large sparse files" },
  );
});
