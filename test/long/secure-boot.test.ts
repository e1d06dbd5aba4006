/** The same disk under firmware with Microsoft's keys: shim, signed GRUB, signed kernel, lockdown. */
import { describe, expect } from "vitest";
import { startVm } from "../../src/vm/index.ts";
import { debianImage, slipwayJson } from "../support/slipway.ts";
import { asRoot, oracle, tempDir } from "../support/tools.ts";

const BOOT_MS = 1_800_000;

describe("Secure Boot", () => {
  oracle(
    ["mmdebstrap", "qemu-system-x86_64", "qemu-img", "ssh", asRoot],
    "boots trixie with its own signatures",
    async () => {
      using folder = tempDir();
      await slipwayJson(["disk", "create", await debianImage("trixie"), "--type", "raw", "-o", folder.path]);
      await using vm = await startVm({ disk: folder.join("disk.raw"), secureBoot: true, architecture: "amd64" });
      await vm.waitForBoot({ timeoutMs: BOOT_MS });
      expect((await vm.exec("dmesg")).stdout).toMatch(/[Ss]ecure boot enabled/);
      expect((await vm.exec("cat /sys/kernel/security/lockdown")).stdout).toMatch(/\[(integrity|confidentiality)\]/);
      expect((await vm.exec("od -An -t u1 -j4 /sys/firmware/efi/efivars/SecureBoot-*")).stdout.trim()).toBe("1");
      expect(await vm.shutdown()).toBe(true);
    },
    { proves: "the Secure Boot chain", timeoutMs: 2 * BOOT_MS },
  );
});
