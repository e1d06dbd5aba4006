/** bench/disk.sh on the Debian image that the tests share, held against its aims: wall over peer, memory, space. */
import { symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect } from "vitest";
import { nameImage, readIndex } from "../support/layout.ts";
import { debianImage, SHARED_STORE } from "../support/slipway.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

const root = dirname(dirname(import.meta.dirname));
const PEER = ["umoci", "ostree", "mke2fs", "mkfs.vfat", "mcopy", "grub-mkimage", "sfdisk", "qemu-img"];

describe("bench/disk.sh", () => {
  for (const compress of ["none", "zstd"]) {
    oracle(
      ["mmdebstrap", asRoot, ...PEER],
      `trixie to qcow2, --compress ${compress}: aims met`,
      async () => {
        using folder = tempDir();
        const name = await debianImage("trixie");
        await run(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root });
        const bench = [join(root, "bench", "disk.ts"), layoutOf(name, folder.path), "--compress", compress];
        const options = ["--work", folder.path, "--assert"];
        const outcome = await run(process.execPath, [...bench, ...options], { allowExit: [0, 1] });
        // The numbers belong into docs/proofs.md.
        process.stdout.write(outcome.stdout);
        expect(outcome.exitCode, outcome.stdout + outcome.stderr).toBe(0);
      },
      { proves: "speed, memory and space beside the tools that Debian has" },
    );
  }
});

/** The image under a tag without a colon, in a layout that shares the blobs: peers take DIR:TAG apart at the last one. */
function layoutOf(name: string, folder: string): string {
  const tag = "org.opencontainers.image.ref.name";
  const found = readIndex(SHARED_STORE).manifests.find(({ annotations }) => annotations?.[tag]?.endsWith(name));
  if (found === undefined) throw new Error(`${SHARED_STORE} has no ${name}`);
  symlinkSync(join(SHARED_STORE, "blobs"), join(folder, "blobs"));
  writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  nameImage(folder, found, "bench");
  return `oci:${folder}:bench`;
}
