// The kernel of a bootable tree: exactly one directory below usr/lib/modules with a `vmlinuz`
// (libostree's rule; reference: ostree-sysroot-deploy "get_kernel_from_usrlib_modules").
import { type ByteString, byteStringToUtf8, printable } from "../base/bytes/index.ts";
import { type DirectoryInode, type FileInode, lookupDirectory, sortedEntries, walk } from "../tree/index.ts";
import { ImageContractError } from "./errors.ts";

export interface Kernel {
  /** The directory's name, e.g. "6.12.48+deb13-cloud-amd64". */
  readonly version: string;
  readonly vmlinuz: FileInode;
  readonly initramfs?: FileInode;
  /** A single device tree; excludes `deviceTrees`. */
  readonly deviceTree?: FileInode;
  /** Files below dtb/ with their paths from there, in bytewise order. */
  readonly deviceTrees: readonly { readonly path: ByteString; readonly file: FileInode }[];
  /** FIPS integrity file `.vmlinuz.hmac`. */
  readonly hmac?: FileInode;
}

export const MODULES = "usr/lib/modules";

/** Throws NO_KERNEL or TWO_KERNELS. */
export function findKernel(root: DirectoryInode): Kernel {
  const modules = lookupDirectory(root, MODULES);
  const found = modules === undefined ? [] : sortedEntries(modules).flatMap(([name, inode]) => kernelIn(name, inode));
  const [kernel, ...others] = found;
  if (kernel === undefined) {
    throw new ImageContractError("NO_KERNEL", `cannot find the kernel: no ${MODULES}/VERSION/vmlinuz in the image`, {
      hint: "Install one kernel in the image and keep its vmlinuz and initramfs.img in that directory",
    });
  }
  if (others.length > 0) {
    const versions = found.map((each) => each.version).join(", ");
    throw new ImageContractError(
      "TWO_KERNELS",
      `cannot choose a kernel: the image has ${found.length} (${versions}), want exactly one`,
      {
        hint: `Remove all but one directory below ${MODULES} that has a vmlinuz`,
      },
    );
  }
  return kernel;
}

function kernelIn(name: ByteString, inode: unknown): Kernel[] {
  const entries = (inode as DirectoryInode).type === "directory" ? (inode as DirectoryInode).entries : undefined;
  const vmlinuz = fileOf(entries?.get("vmlinuz"));
  if (entries === undefined || vmlinuz === undefined) return [];
  const version = byteStringToUtf8(name) ?? printable(name);
  const initramfs = fileOf(entries.get("initramfs.img")) ?? fileOf(entries.get("initramfs"));
  const deviceTree = fileOf(entries.get("devicetree"));
  const hmac = fileOf(entries.get(".vmlinuz.hmac"));
  const dtb = entries.get("dtb");
  const deviceTrees =
    deviceTree === undefined && dtb?.type === "directory"
      ? [...walk(dtb)].flatMap(({ path, inode: each }) => (each.type === "file" ? [{ path, file: each }] : []))
      : [];
  return [
    {
      version,
      vmlinuz,
      deviceTrees,
      ...(initramfs === undefined ? {} : { initramfs }),
      ...(deviceTree === undefined ? {} : { deviceTree }),
      ...(hmac === undefined ? {} : { hmac }),
    },
  ];
}

function fileOf(inode: unknown): FileInode | undefined {
  const candidate = inode as FileInode | undefined;
  return candidate?.type === "file" ? candidate : undefined;
}
