/** A disk of ours and its deployment, judged by ostree of Debian trixie, which systems on such disks run. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { extractPartition, mountImage } from "../support/disk.ts";
import { oracleRoot, runNewer } from "../support/oracle-root.ts";
import { debianImage, slipwayJson } from "../support/slipway.ts";
import { missingOf, oracle, tempDir, type TempFolder } from "../support/tools.ts";

const NEEDS = [oracleRoot, "sfdisk", "mount"];

describe("ostree of trixie", () => {
  let folder: TempFolder;
  let root: string;
  let made: { readonly deployment: { readonly commit: string }; readonly manifestDigest: string };

  beforeAll(async () => {
    folder = tempDir();
    if (missingOf(NEEDS).length > 0) return;
    const image = await debianImage("trixie");
    made = await slipwayJson(["disk", "create", image, "--type", "raw", "-o", folder.path, "--karg", "console=ttyS0"]);
    root = await extractPartition(folder.join("disk.raw"), "root", folder);
  });
  afterAll(() => folder[Symbol.dispose]());

  oracle(
    NEEDS,
    "finds nothing wrong with the repository and the deployment on a disk",
    async () => {
      await using mounted = await mountImage(root, folder);
      const ostree = async (...argv: readonly string[]): Promise<string> =>
        (await runNewer("ostree", argv, { folders: [mounted.path] })).stdout;
      const repo = `--repo=${mounted.path}/ostree/repo`;
      expect(await ostree("--version")).toContain("'2025.2'");
      expect(await ostree("fsck", repo)).toMatch(/object fsck of \d+ commits completed successfully - no errors found/);
      const { commit } = made.deployment;
      expect(await ostree("admin", "status", `--sysroot=${mounted.path}`)).toContain(`default ${commit}.0`);
      const refs = (await ostree("refs", repo)).trim().split("\n");
      expect(refs).toEqual(
        expect.arrayContaining([
          "ostree/1/1/0",
          expect.stringMatching(/^ostree\/container\/blob\/sha256_3A_/),
          expect.stringMatching(/^ostree\/container\/image\/docker_3A__2F__2F_localhost\/debian_3A_trixie$/),
        ]),
      );
      const key = "--print-metadata-key=ostree.manifest-digest";
      expect((await ostree("show", repo, key, commit)).trim()).toBe(`'${made.manifestDigest}'`);
    },
    { proves: "the ostree that boots our disks agrees with them" },
  );

  oracle(
    NEEDS,
    "deploys once more beside our deployment, and cleans up after it",
    async () => {
      await using mounted = await mountImage(root, folder, "rw");
      const ostree = async (...argv: readonly string[]): Promise<string> =>
        (await runNewer("ostree", argv, { folders: [mounted.path] })).stdout;
      const sysroot = `--sysroot=${mounted.path}`;
      const { commit } = made.deployment;
      await ostree("admin", "deploy", sysroot, "--os=default", "--karg=quiet", commit);
      const both = await ostree("admin", "status", sysroot);
      for (const serial of [0, 1]) expect(both).toContain(`default ${commit}.${serial}`);
      await ostree("admin", "undeploy", sysroot, "0");
      expect(await ostree("admin", "status", sysroot)).not.toContain(`${commit}.1`);
      await ostree("fsck", "--quiet", `--repo=${mounted.path}/ostree/repo`);
    },
    { proves: "ostree can change what we have deployed" },
  );
});
