/**
 * The signed GRUB of Debian 12 (2.06), 13 (2.12) and forky (2.14) over our disks: boot, upgrade and rollback by the
 * distribution's own ostree, boot each time; it also judges the repository that we wrote.
 * forky with composefs: / is an overlay over .ostree.cfs. trixie once more as an aarch64 system. Each has the image of a
 * Containerfile with a RUN step, the aarch64 one by emulation where this machine is another.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { startVm, type Vm } from "../../src/vm/index.ts";
import { debianImage, slipwayJson } from "../support/slipway.ts";
import { asRoot, oracle, type Requirement, tempDir, type TempFolder } from "../support/tools.ts";
import { upgradeAndRollBack } from "../support/upgrade.ts";

const BOOT_MS = 1_200_000;
const NEEDS = ["mmdebstrap", "qemu-img", "ssh", "ostree", asRoot];
/** Where this project is built forky's release files are past their date. */
const STALE = ["--apt-option", "Acquire::Check-Valid-Until=false"];
/** The EFI partition of bootc's layout takes 512 MiB. */
const DISK_BYTES = 20 * 1024 ** 3;

interface Case {
  readonly suite: "bookworm" | "trixie" | "forky";
  readonly architecture: "amd64" | "arm64";
  readonly composefs?: boolean;
}

const CASES: readonly Case[] = [
  { suite: "bookworm", architecture: "amd64" },
  { suite: "trixie", architecture: "amd64" },
  { suite: "forky", architecture: "amd64" },
  { suite: "forky", architecture: "amd64", composefs: true },
  { suite: "trixie", architecture: "arm64" },
];

describe("GRUB, upgrade and rollback", () => {
  for (const { suite, architecture, composefs = false } of CASES) {
    oracle(
      [...NEEDS, ...machineOf(architecture)],
      `${suite}, ${architecture}${composefs ? ", with composefs" : ""}`,
      async () => {
        using folder = tempDir();
        const base = await debianImage(suite, [
          ...(suite === "forky" ? STALE : []),
          ...(composefs ? ["--composefs"] : []),
          ...(architecture === "arm64" ? ["--arch", "arm64"] : []),
        ]);
        const image = await derived(base, architecture, folder);
        const made = await slipwayJson<{ deployment: { commit: string } }>([
          "disk",
          "create",
          image,
          "--arch",
          architecture,
          "--type",
          "raw",
          "-o",
          folder.path,
        ]);
        const disk = folder.join("disk.raw");
        await using vm = await startVm({ disk, persist: true, diskSizeBytes: DISK_BYTES, architecture });
        const { state } = await vm.waitForBoot({ timeoutMs: BOOT_MS });
        expect(state, (await vm.exec("systemctl --failed")).stdout).toBe("running");
        expect(await answer(vm, "uname -m")).toBe(architecture === "arm64" ? "aarch64" : "x86_64");
        expect(await answer(vm, "cat /usr/lib/built-on")).toBe(await answer(vm, "uname -m"));
        expect(await answer(vm, "findmnt -no FSTYPE /")).toBe(composefs ? "overlay" : "ext4");
        expect((await vm.exec("touch /usr/x")).stderr).toContain("Read-only file system");
        const sizeKiB = Number(await answer(vm, "df --output=size /sysroot | tail -n 1"));
        expect((sizeKiB * 1024) / DISK_BYTES).toBeGreaterThan(0.95);
        await judgeRepository(vm, made.deployment.commit);
        await upgradeAndRollBack({ vm, disk, folder, commit: made.deployment.commit, bootMs: BOOT_MS });
        expect(await vm.shutdown()).toBe(true);
      },
      { proves: `${suite}'s boot loader and ostree read what we write`, timeoutMs: 5 * BOOT_MS },
    );
  }
});

/** An image made by `slipway build`, its steps run by the architecture's own programs. */
async function derived(base: string, architecture: Case["architecture"], folder: TempFolder): Promise<string> {
  mkdirSync(folder.join("context"));
  writeFileSync(
    folder.join("context/Containerfile"),
    `FROM ${base}\nRUN uname -m > /usr/lib/built-on && systemctl disable apt-daily.timer && ldconfig\n`,
  );
  const name = `test/derived:${architecture}`;
  await slipwayJson(["build", "--platform", `linux/${architecture}`, "-t", name, folder.join("context")]);
  return name;
}

/** The guest's own ostree, which is newer than the host's from trixie on. */
async function judgeRepository(vm: Vm, commit: string): Promise<void> {
  expect(await answer(vm, "ostree admin status")).toContain(`* default ${commit}.0`);
  await answer(vm, "ostree fsck --quiet --repo=/sysroot/ostree/repo");
  const refs = await answer(vm, "ostree refs --list --repo=/sysroot/ostree/repo");
  expect(refs).toMatch(/^ostree\/container\/image\//m);
}

async function answer(vm: Vm, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await vm.exec(command);
  expect(exitCode, `${command}\n${stdout}${stderr}`).toBe(0);
  return stdout.trim();
}

function machineOf(architecture: Case["architecture"]): (string | Requirement)[] {
  const emulated = process.arch !== (architecture === "arm64" ? "arm64" : "x64");
  const runs: Requirement = {
    name: `${architecture} programs (qemu-user-static, binfmt-support, binfmt_misc mounted)`,
    isThere: () => spawnSync("arch-test", [architecture]).status === 0,
  };
  return [architecture === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64", ...(emulated ? [runs] : [])];
}
