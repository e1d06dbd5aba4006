/**
 * bench/disk.sh held against its aims: wall over peer, memory, space. The image is trixie with the kernel for any machine,
 * a tree of about 330 MiB, as large as the one that the aims were set with.
 */
import { dirname, join } from "node:path";
import { describe, expect } from "vitest";
import { debianImage, SHARED_STORE } from "../support/slipway.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

const root = dirname(dirname(import.meta.dirname));
const PEER = ["skopeo", "umoci", "ostree", "mke2fs", "mkfs.vfat", "mcopy", "grub-mkimage", "sfdisk", "qemu-img"];

describe("bench/disk.sh", () => {
  oracle(
    ["mmdebstrap", asRoot, ...PEER],
    "trixie to qcow2: aims met",
    async () => {
      using folder = tempDir();
      const name = await debianImage("trixie", ["--kernel", "generic"]);
      await run(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root });
      const bench = [join(root, "bench", "disk.ts"), await gzipped(name, folder.path)];
      const options = ["--work", folder.path, "--assert"];
      const outcome = await run(process.execPath, [...bench, ...options], { allowExit: [0, 1] });
      // The numbers belong into docs/proofs.md.
      process.stdout.write(outcome.stdout);
      expect(outcome.exitCode, outcome.stdout + outcome.stderr).toBe(0);
    },
    { proves: "speed, memory and space beside the tools that Debian has" },
  );
});

/** The image with gzip layers, which Debian 12's umoci reads, under a tag without a colon. */
async function gzipped(name: string, folder: string): Promise<string> {
  const layout = join(folder, "layout");
  const source = `oci:${SHARED_STORE}:localhost/${name}`;
  await run("skopeo", ["copy", "--dest-compress-format=gzip", source, `oci:${layout}:bench`]);
  return `oci:${layout}:bench`;
}
