import { describe, expect, it } from "vitest";
import { utf8, utf8ToByteString } from "../base/bytes/index.ts";
import { contentOf } from "../base/io/index.ts";
import { directory, type DirectoryInode, file, place } from "../tree/index.ts";
import { checkConfig, inspectBootable } from "./contract.ts";
import { findArchitecture } from "./architecture.ts";

const amd64 = findArchitecture("amd64");
if (amd64 === undefined) throw new Error("amd64 is not known");

const COMPLETE: Readonly<Record<string, string>> = {
  "usr/lib/modules/6.1/vmlinuz": "kernel",
  "usr/lib/modules/6.1/initramfs.img": "initramfs",
  "usr/lib/ostree/prepare-root.conf": "[sysroot]\nreadonly=true\n",
  "usr/lib/os-release": 'ID=x\nPRETTY_NAME="X Linux"\n',
};

function tree(files: Readonly<Record<string, string>>): DirectoryInode {
  const root = directory();
  for (const [path, text] of Object.entries(files)) place(root, utf8ToByteString(path), file(contentOf(utf8(text))));
  return root;
}

function without(path: string): Record<string, string> {
  return Object.fromEntries(Object.entries(COMPLETE).filter(([name]) => name !== path));
}

describe("bootable image", () => {
  it("gives the facts of a deployment", async () => {
    const image = await inspectBootable(
      tree({ ...COMPLETE, "usr/lib/bootc/kargs.d/10-a.toml": 'kargs = ["quiet"]' }),
      amd64,
    );
    expect(image.kernel.version).toBe("6.1");
    expect(image.kernel.initramfs?.content.sizeBytes).toBe(9);
    expect(image.kargs).toEqual(["quiet"]);
    expect(image.osRelease.get("PRETTY_NAME")).toBe("X Linux");
    expect(image.prepareRoot).toEqual({ composefs: "no", transientRoot: false, sysrootReadonly: true });
  });
  it("lets /etc override prepare-root.conf", async () => {
    const image = await inspectBootable(
      tree({ ...COMPLETE, "usr/etc/ostree/prepare-root.conf": "[composefs]\nenabled=yes\n" }),
      amd64,
    );
    expect(image.prepareRoot.composefs).toBe("yes");
  });
  it.each([
    [without("usr/lib/modules/6.1/vmlinuz"), "NO_KERNEL"],
    [{ ...COMPLETE, "usr/lib/modules/6.2/vmlinuz": "other" }, "TWO_KERNELS"],
    [without("usr/lib/ostree/prepare-root.conf"), "NO_PREPARE_ROOT"],
    [without("usr/lib/os-release"), "NO_OS_RELEASE"],
    [{ ...COMPLETE, "usr/lib/ostree/prepare-root.conf": "[composefs]\nenabled=perhaps\n" }, "BAD_PREPARE_ROOT"],
  ])("refuses %#", async (files, code) => {
    await expect(inspectBootable(tree(files), amd64)).rejects.toMatchObject({ code });
  });
  it("wants a label and a machine that it knows", () => {
    expect(() => checkConfig({ architecture: "amd64", labels: {} }, "x")).toThrow(
      /neither the label containers\.bootc/,
    );
    expect(() => checkConfig({ architecture: "riscv64", labels: { "containers.bootc": "1" } }, "x")).toThrow(/riscv64/);
    expect(checkConfig({ architecture: "arm64", labels: { "ostree.bootable": "true" } }, "x").kernel).toBe("aarch64");
  });
});
