/**
 * The signed GRUB of Debian 12 (2.06), 13 (2.12) and forky (2.14) over our disks: boot, upgrade and rollback by the
 * distribution's own ostree, boot each time. forky with composefs: / is an overlay over .ostree.cfs.
 */
import { describe, expect } from "vitest";
import { startVm } from "../../src/vm/index.ts";
import { debianImage, slipwayJson } from "../support/slipway.ts";
import { asRoot, oracle, tempDir } from "../support/tools.ts";
import { upgradeAndRollBack } from "../support/upgrade.ts";

const BOOT_MS = 1_200_000;
const NEEDS = ["mmdebstrap", "qemu-system-x86_64", "qemu-img", "ssh", "ostree", asRoot];
/** Where this project is built forky's release files are past their date. */
const STALE = ["--apt-option", "Acquire::Check-Valid-Until=false"];

interface Case {
  readonly suite: "bookworm" | "trixie" | "forky";
  readonly base: readonly string[];
  readonly composefs: boolean;
}

const CASES: readonly Case[] = [
  { suite: "bookworm", base: [], composefs: false },
  { suite: "trixie", base: [], composefs: false },
  { suite: "forky", base: STALE, composefs: false },
  { suite: "forky", base: [...STALE, "--composefs"], composefs: true },
];

describe("GRUB, upgrade and rollback", () => {
  for (const { suite, base, composefs } of CASES) {
    oracle(
      NEEDS,
      `${suite}${composefs ? " with composefs" : ""}`,
      async () => {
        using folder = tempDir();
        const image = await debianImage(suite, base);
        const made = await slipwayJson<{ deployment: { commit: string } }>([
          "disk",
          "create",
          image,
          "--type",
          "raw",
          "-o",
          folder.path,
        ]);
        const disk = folder.join("disk.raw");
        await using vm = await startVm({ disk, persist: true, diskSizeBytes: 12 * 1024 ** 3, architecture: "amd64" });
        const { state } = await vm.waitForBoot({ timeoutMs: BOOT_MS });
        expect(state, (await vm.exec("systemctl --failed")).stdout).toBe("running");
        expect((await vm.exec("findmnt -no FSTYPE /")).stdout.trim()).toBe(composefs ? "overlay" : "ext4");
        expect((await vm.exec("touch /usr/x")).stderr).toContain("Read-only file system");
        await upgradeAndRollBack({ vm, disk, folder, commit: made.deployment.commit, bootMs: BOOT_MS });
        expect(await vm.shutdown()).toBe(true);
      },
      { proves: `${suite}'s boot loader reads our entries`, timeoutMs: 5 * BOOT_MS },
    );
  }
});
