// What /boot holds for one deployment: the kernel's files, named and summed as libostree does
// (ostree-sysroot-deploy.c "install_deployment_kernel"; docs/formats/ostree.md).
import { createHash } from "node:crypto";
import { byteStringToUtf8 } from "../../base/bytes/index.ts";
import { streamContent } from "../../base/io/index.ts";
import { type Kernel, MODULES } from "../../image/index.ts";
import { OstreeSysrootError } from "./errors.ts";

export interface BootFiles {
  /** SHA-256 over vmlinuz, initramfs and device trees, hex. */
  readonly bootChecksum: string;
  /** From the path in the deployment to the name below boot/ostree/STATEROOT-BOOTCSUM/. */
  readonly files: readonly { readonly from: string; readonly to: string }[];
  readonly vmlinuz: string;
  readonly initramfs?: string;
  readonly deviceTree?: string;
}

export async function bootFilesOf(kernel: Kernel): Promise<BootFiles> {
  const folder = `${MODULES}/${kernel.version}`;
  const files = [{ from: `${folder}/vmlinuz`, to: `vmlinuz-${kernel.version}` }];
  const hashed = [kernel.vmlinuz];
  if (kernel.initramfs !== undefined) {
    files.push({ from: `${folder}/initramfs.img`, to: `initramfs-${kernel.version}.img` });
    hashed.push(kernel.initramfs);
  }
  if (kernel.deviceTree !== undefined) {
    files.push({ from: `${folder}/devicetree`, to: `devicetree-${kernel.version}` });
    hashed.push(kernel.deviceTree);
  }
  for (const { path, file } of kernel.deviceTrees) {
    const name = byteStringToUtf8(path);
    if (name === undefined)
      throw new OstreeSysrootError("BAD_NAME", "cannot deploy: a device tree's name is not UTF-8");
    files.push({ from: `${folder}/dtb/${name}`, to: `dtb/${name}` });
    hashed.push(file);
  }
  if (kernel.hmac !== undefined) files.push({ from: `${folder}/.vmlinuz.hmac`, to: `.vmlinuz-${kernel.version}.hmac` });
  const hash = createHash("sha256");
  for (const file of hashed) {
    for await (const chunk of streamContent(file.content)) hash.update(chunk);
  }
  return {
    bootChecksum: hash.digest("hex"),
    files,
    vmlinuz: `vmlinuz-${kernel.version}`,
    ...(kernel.initramfs === undefined ? {} : { initramfs: `initramfs-${kernel.version}.img` }),
    ...(kernel.deviceTree === undefined ? {} : { deviceTree: `devicetree-${kernel.version}` }),
  };
}
