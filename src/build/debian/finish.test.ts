import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../base/bytes/index.ts";
import { contentBytes, contentOf } from "../../base/io/index.ts";
import { directory, type DirectoryInode, file, lookup, lookupDirectory, place, symlink } from "../../tree/index.ts";
import { finishSystem, type FinishOptions } from "./finish.ts";
import { suiteFacts } from "./suites.ts";

const OPTIONS: FinishOptions = { suite: suiteFacts("trixie"), composefs: false, mtimeSeconds: 1_700_000_000 };

let root: DirectoryInode;

beforeEach(() => {
  root = directory();
  const put = (path: string, text = path): void => place(root, path, file(contentOf(utf8(text))));
  put("boot/vmlinuz-6.12", "kernel");
  put("boot/System.map-6.12");
  put("usr/lib/modules/6.12/initramfs.img");
  put("usr/lib/tmpfiles.d/var.conf", "d /var/log 0755 - - -\n");
  put("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  put("etc/group", "root:x:0:\n");
  put("etc/debian_version", "13.2\n");
  put("etc/hostname", "builder");
  put("etc/machine-id", "0123");
  put("etc/ssh/ssh_host_ed25519_key");
  put("etc/ssh/sshd_config");
  put("root/.profile");
  put("opt/vendor/tool");
  put("var/lib/dpkg/status");
  put("var/lib/web/index");
  put("var/log/dpkg.log");
  put("vmlinuz.old");
  place(root, "etc/systemd/system/timers.target.wants/apt-daily.timer", symlink("/lib/systemd/system/apt-daily.timer"));
});

async function text(path: string): Promise<string> {
  const inode = lookup(root, path);
  if (inode?.type !== "file") throw new Error(`no file ${path}`);
  return Buffer.from(await contentBytes(inode.content, 65_536)).toString();
}

const names = (path: string): string[] => [...(lookupDirectory(root, path)?.entries.keys() ?? [])].toSorted();

describe("a Debian system as an image", () => {
  it("has its kernel beside the modules, and nothing in /boot and /var", async () => {
    expect(await finishSystem(root, OPTIONS)).toEqual({ kernelVersion: "6.12", debianVersion: "13.2" });
    expect(await text("usr/lib/modules/6.12/vmlinuz")).toBe("kernel");
    expect(names("boot")).toEqual([]);
    expect(names("var")).toEqual([]);
  });

  it("has nothing of the machine that made it", async () => {
    await finishSystem(root, OPTIONS);
    expect(lookup(root, "etc/machine-id")).toMatchObject({ type: "file", content: { sizeBytes: 0 }, mode: 0o444 });
    for (const path of ["etc/hostname", "etc/ssh/ssh_host_ed25519_key", "vmlinuz.old"])
      expect(lookup(root, path)).toBeUndefined();
    expect(lookup(root, "etc/ssh/sshd_config")).toBeDefined();
  });

  it("keeps dpkg's database in /usr and makes the rest of /var, /root and /opt at boot", async () => {
    await finishSystem(root, OPTIONS);
    expect(await text("usr/lib/sysimage/dpkg/status")).toBe("var/lib/dpkg/status");
    expect(lookup(root, "root")).toMatchObject({ type: "symlink", target: "var/roothome" });
    expect((await text("usr/lib/tmpfiles.d/zz-slipway-var.conf")).split("\n").slice(1)).toEqual([
      "d /var/lib 0755 root root -",
      "d /var/lib/web 0755 root root -",
      "C /var/lib/web/index 0644 root root -",
      "d /var/opt/vendor 0755 root root -",
      "C /var/opt/vendor/tool 0644 root root -",
      "C /var/roothome/.profile 0644 root root -",
      "",
    ]);
    expect(names("usr/share/factory/var")).toEqual(["lib", "opt", "roothome"]);
  });

  it("starts what a machine needs and stops what an image must not do", async () => {
    await finishSystem(root, OPTIONS);
    expect(names("etc/systemd/system/timers.target.wants")).toEqual([]);
    expect(lookup(root, "etc/systemd/system/systemd-firstboot.service")).toMatchObject({ target: "/dev/null" });
    expect(names("etc/systemd/system/ssh.service.wants")).toEqual(["ssh-host-keys.service"]);
  });

  it("says in prepare-root.conf whether / is a composefs", async () => {
    await finishSystem(root, { ...OPTIONS, composefs: true });
    expect(await text("usr/lib/ostree/prepare-root.conf")).toMatch(/\[composefs\]\nenabled=yes\n/);
  });

  it("refuses no kernel, two kernels, and a kernel without initramfs", async () => {
    const noInitramfs = lookupDirectory(root, "usr/lib/modules/6.12");
    place(root, "usr/lib/modules/7.0/initramfs.img", file(contentOf(utf8("x"))));
    await expect(finishSystem(root, OPTIONS)).rejects.toThrow(/several kernels: 6.12, 7.0/);
    lookupDirectory(root, "usr/lib/modules")?.entries.delete("7.0");
    noInitramfs?.entries.delete("initramfs.img");
    await expect(finishSystem(root, OPTIONS)).rejects.toThrow(/initramfs.img/);
    lookupDirectory(root, "usr/lib/modules")?.entries.delete("6.12");
    await expect(finishSystem(root, OPTIONS)).rejects.toThrow(/no kernel/);
  });
});
