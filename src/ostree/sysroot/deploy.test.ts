// The layout beside what `bootc install` leaves: test/vectors/bootc/install (our own words for the same facts here; the
// oracle test compares a mounted disk with libostree's opinion).
import { describe, expect, it } from "vitest";
import { utf8, utf8ToByteString } from "../../base/bytes/index.ts";
import { contentBytes, contentOf } from "../../base/io/index.ts";
import { findArchitecture, inspectBootable } from "../../image/index.ts";
import { directory, type DirectoryInode, file, lookup, place } from "../../tree/index.ts";
import { deployFirst } from "./deploy.ts";
import { TreeFileSystem } from "./tree-file-system.ts";

const FILES: Readonly<Record<string, string>> = {
  "usr/lib/modules/6.1/vmlinuz": "fake kernel\n",
  "usr/lib/modules/6.1/initramfs.img": "fake initramfs\n",
  "usr/lib/ostree/prepare-root.conf": "[sysroot]\nreadonly=true\n",
  "usr/lib/os-release": 'ID=vecos\nPRETTY_NAME="Vec OS 1"\n',
  "usr/lib/tmpfiles.d/x.conf": "",
  "usr/etc/conf": "default\n",
  "var/seed": "seed\n",
};
// SHA-256 over both fake files, as libostree names it (docs/formats/ostree.md).
const BOOT_CHECKSUM = "3ee86981e6acc6431718da25315b5f291da27c6e0babe42e2ad94154e733c245";
const COMMIT = "ab".repeat(32);

async function deployed(files: Readonly<Record<string, string>> = FILES): Promise<DirectoryInode> {
  const checkout = directory();
  for (const [path, text] of Object.entries(files))
    place(checkout, utf8ToByteString(path), file(contentOf(utf8(text))));
  const architecture = findArchitecture("amd64");
  if (architecture === undefined) throw new Error("amd64 is not known");
  const sysroot = new TreeFileSystem(directory(), 0);
  const deployment = await deployFirst(sysroot, {
    commit: COMMIT,
    checkout,
    image: await inspectBootable(checkout, architecture),
    stateroot: "default",
    kargs: ["root=UUID=aaaa", "rw"],
    updateReference: "registry.example/os:1",
  });
  expect(deployment.bootChecksum).toBe(BOOT_CHECKSUM);
  return sysroot.root;
}

async function text(root: DirectoryInode, path: string): Promise<string> {
  const inode = lookup(root, path);
  if (inode?.type !== "file") throw new Error(`no file ${path}`);
  return Buffer.from(await contentBytes(inode.content, 4096)).toString();
}

const DEPLOYMENT = `ostree/deploy/default/deploy/${COMMIT}.0`;

describe("the first deployment", () => {
  it("writes the boot entry that libostree would", async () => {
    expect(await text(await deployed(), "boot/loader.1/entries/ostree-1.conf")).toBe(
      [
        "title Vec OS 1 (ostree:0)",
        "version 1",
        `options root=UUID=aaaa rw ostree=/ostree/boot.1/default/${BOOT_CHECKSUM}/0`,
        `linux /boot/ostree/default-${BOOT_CHECKSUM}/vmlinuz-6.1`,
        `initrd /boot/ostree/default-${BOOT_CHECKSUM}/initramfs-6.1.img`,
        "",
      ].join("\n"),
    );
  });
  it("shares the kernel's inode with the deployment", async () => {
    const root = await deployed();
    expect(lookup(root, `boot/ostree/default-${BOOT_CHECKSUM}/vmlinuz-6.1`)).toBe(
      lookup(root, `${DEPLOYMENT}/usr/lib/modules/6.1/vmlinuz`),
    );
  });
  it("gives /etc and /var inodes of their own", async () => {
    const root = await deployed();
    expect(await text(root, `${DEPLOYMENT}/etc/conf`)).toBe("default\n");
    expect(lookup(root, `${DEPLOYMENT}/etc/conf`)).not.toBe(lookup(root, `${DEPLOYMENT}/usr/etc/conf`));
    expect(await text(root, "ostree/deploy/default/var/seed")).toBe("seed\n");
    expect(lookup(root, "ostree/deploy/default/var/.ostree-selabeled")).toBeDefined();
  });
  it("links boot versions, origin, ref, and makes the deployment immutable", async () => {
    const root = await deployed();
    expect(lookup(root, `ostree/boot.1.1/default/${BOOT_CHECKSUM}/0`)).toMatchObject({
      target: `../../../deploy/default/deploy/${COMMIT}.0`,
    });
    expect(lookup(root, "ostree/boot.1")).toMatchObject({ target: "boot.1.1" });
    expect(lookup(root, "boot/loader")).toMatchObject({ target: "loader.1" });
    expect(lookup(root, "boot/boot")).toMatchObject({ target: "." });
    expect(await text(root, `${DEPLOYMENT}.origin`)).toBe(
      "[origin]\ncontainer-image-reference=ostree-unverified-registry:registry.example/os:1\n",
    );
    expect(await text(root, "ostree/repo/refs/heads/ostree/1/1/0")).toBe(`${COMMIT}\n`);
    expect(lookup(root, DEPLOYMENT)).toMatchObject({ immutable: true, mtimeSeconds: 0 });
  });
  it("gives ostree/deploy a time other than 0, which libostree takes for never changed", async () => {
    expect(lookup(await deployed(), "ostree/deploy")).toMatchObject({ mtimeSeconds: 1 });
  });
  it("makes libostree's legacy folders in /var only where no tmpfiles.d does", async () => {
    expect(lookup(await deployed(), "ostree/deploy/default/var/log")).toBeUndefined();
    const legacy = await deployed(
      Object.fromEntries(Object.entries(FILES).filter(([path]) => !path.includes("tmpfiles"))),
    );
    expect(lookup(legacy, "ostree/deploy/default/var/log")).toBeDefined();
    expect(lookup(legacy, "ostree/deploy/default/var/tmp")).toMatchObject({ mode: 0o1777 });
  });
  it("refuses a commit with content in both /etc and /usr/etc", async () => {
    await expect(deployed({ ...FILES, "etc/x": "x" })).rejects.toMatchObject({ code: "BAD_TREE" });
  });
});
