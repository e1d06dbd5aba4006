/**
 * Boots of Debian trixie under QEMU. The first machine is asked everything, upgraded and rolled back by real ostree; the
 * second has an image that was built on the first one's, and has to be another machine.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startVm, type Vm } from "../../src/vm/index.ts";
import { extractPartition, partitionsOf } from "../support/disk.ts";
import { hostAptVolumes } from "../support/host-apt.ts";
import { debianImage, slipwayJson } from "../support/slipway.ts";
import { upgradeAndRollBack } from "../support/upgrade.ts";
import { asRoot, missingOf, oracle, run, tempDir, type TempFolder } from "../support/tools.ts";

const BOOT_MS = 900_000;
const NEEDS = ["mmdebstrap", "qemu-system-x86_64", "qemu-img", "ssh", "ostree", "e2fsck", "sfdisk", asRoot];
const WEB_SERVER = join(dirname(dirname(import.meta.dirname)), "examples", "web-server-debian");
const PAGE = "root/usr/share/example-site/index.html";
const canBoot = missingOf(NEEDS).length === 0;

interface CreateResult {
  readonly deployment: { readonly commit: string };
  readonly manifestDigest: string;
}

describe("a booted Debian trixie", () => {
  let folder: TempFolder;
  let made: CreateResult;
  let disk: string;
  let vm: Vm;
  let state: string;
  const identities: string[] = [];

  beforeAll(async () => {
    folder = tempDir();
    if (!canBoot) return;
    made = await slipwayJson<CreateResult>([
      "disk",
      "create",
      await debianImage("trixie"),
      "--type",
      "raw",
      "-o",
      folder.path,
    ]);
    disk = folder.join("disk.raw");
    vm = await startVm({ disk, diskSizeBytes: 40 * 1024 ** 3, persist: true, architecture: "amd64" });
    state = (await vm.waitForBoot({ timeoutMs: BOOT_MS })).state;
  }, 2 * BOOT_MS);
  afterAll(async () => {
    if (canBoot) await vm[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** Runs a command that has to succeed. */
  async function ask(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await vm.exec(command);
    expect(exitCode, `${command}\n${stdout}${stderr}`).toBe(0);
    return stdout.trim();
  }

  oracle(
    NEEDS,
    "is up, with the deployment active and no failed unit",
    async () => {
      expect(state, await ask("systemctl --failed --no-legend --plain || true")).toBe("running");
      expect(await ask("ostree admin status")).toContain(`* default ${made.deployment.commit}.0`);
      // Where podman looks for the images that a system is bound to.
      expect(await ask("cd /sysroot/ostree/bootc/storage && find . -type f | sort")).toBe(
        "./overlay-images/images.lock\n./overlay-layers/layers.lock",
      );
      expect(await ask("systemctl is-active multi-user.target ssh systemd-networkd systemd-resolved")).toBe(
        "active\nactive\nactive\nactive",
      );
      expect(await ask(`ostree show --print-metadata-key=ostree.manifest-digest ${made.deployment.commit}`)).toBe(
        `'${made.manifestDigest}'`,
      );
      identities.push(await identity(vm));
    },
    { proves: "the disk boots" },
  );

  oracle(
    NEEDS,
    "has a read-only /usr, writable /etc and /var, and dpkg still answers",
    async () => {
      expect((await vm.exec("touch /usr/x")).stderr).toContain("Read-only file system");
      expect((await vm.exec("touch /sysroot/x")).stderr).toContain("Read-only file system");
      await ask("touch /etc/x /var/x && rm /etc/x /var/x");
      expect(await ask("dpkg-query -W -f '${Status}' systemd")).toBe("install ok installed");
      expect(await ask("getent shadow root | cut -d: -f2")).toMatch(/^[!*]/);
    },
    { proves: "the layout of an image-mode system" },
  );

  oracle(
    NEEDS,
    "fills a disk that was made bigger",
    async () => {
      const [sizeKiB] = (await ask("df --output=size /sysroot | tail -n 1")).split(/\s+/);
      expect(Number(sizeKiB) / (40 * 1024 ** 2)).toBeGreaterThan(0.95);
    },
    { proves: "growth at first boot" },
  );

  oracle(
    NEEDS,
    "is upgraded and rolled back by real ostree, and boots each time",
    () => upgradeAndRollBack({ vm, disk, folder, commit: made.deployment.commit, bootMs: BOOT_MS }),
    { proves: "ostree's own tools upgrade and roll back", timeoutMs: 3 * BOOT_MS },
  );

  oracle(
    NEEDS,
    "leaves a clean file system when it is shut down",
    async () => {
      expect(await vm.shutdown()).toBe(true);
      const root = await extractPartition(disk, "root", folder);
      await run("e2fsck", ["-fn", root]);
      // It grew by the descriptor blocks that were reserved for it.
      expect((await run("dumpe2fs", ["-h", root])).stdout).not.toContain("meta_bg");
      expect((await partitionsOf(disk)).at(-1)?.sizeBytes).toBeGreaterThan(39 * 1024 ** 3);
    },
    { proves: "shutdown", timeoutMs: BOOT_MS },
  );

  oracle(
    NEEDS,
    "is another machine with the image of an example, and serves its page",
    async () => {
      const name = "test/web-server:1";
      const base = ["--build-arg", `BASE=${await debianImage("trixie")}`];
      const volumes = await hostAptVolumes(folder, "trixie");
      await slipwayJson(["build", ...base, ...volumes, "-t", name, WEB_SERVER]);
      await slipwayJson(["disk", "create", name, "--type", "raw", "-o", folder.path, "--name", "web"]);
      await using second = await startVm({ disk: folder.join("web.raw"), architecture: "amd64" });
      const booted = await second.waitForBoot({ timeoutMs: BOOT_MS });
      expect(booted.state, (await second.exec("systemctl --failed --no-legend --plain")).stdout).toBe("running");
      const page = await second.exec("exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3");
      expect(page.stdout, page.stderr).toContain(readFileSync(join(WEB_SERVER, PAGE), "utf8").trim());
      identities.push(await identity(second));
      const [one, two] = identities.map((each) => each.split("\n"));
      expect(one?.length).toBeGreaterThan(2);
      for (const [index, line] of (one ?? []).entries()) expect(line).not.toBe(two?.[index]);
      await second.shutdown();
    },
    { proves: "what build makes boots; machine ids and host keys are not in the image", timeoutMs: 2 * BOOT_MS },
  );
});

/** Machine id and host keys, a line each. */
async function identity(vm: Vm): Promise<string> {
  return (await vm.exec("cat /etc/machine-id; cut -d' ' -f2 /etc/ssh/ssh_host_*.pub")).stdout.trim();
}
