// What is installed, and what of it is left out. The essential and required packages come on their own.
import type { DebianArchitecture, SuiteFacts } from "./suites.ts";

export type Kernel = "cloud" | "generic";

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "the system and its devices": ["systemd", "systemd-sysv", "libpam-systemd", "udev", "dbus", "kmod", "tzdata"],
  "the network": ["systemd-resolved", "systemd-timesyncd", "iproute2", "ca-certificates"],
  "logging in": ["openssh-server"],
  "deployments, and an initramfs that finds them": ["ostree", "ostree-boot", "dracut", "zstd"],
  "the root file system": ["e2fsprogs"],
};

/** GRUB and shim as Debian and Microsoft signed them: files only, nothing runs at installation. */
function bootLoaderPackages(architecture: DebianArchitecture): string[] {
  return [`grub-efi-${architecture}-signed`, "shim-signed"];
}

/** `cloud` has drivers for virtual machines only, and a third of the size. */
function kernelPackage(kernel: Kernel, architecture: DebianArchitecture): string {
  return kernel === "cloud" ? `linux-image-cloud-${architecture}` : `linux-image-${architecture}`;
}

export function packagesOf(
  suite: SuiteFacts,
  architecture: DebianArchitecture,
  kernel: Kernel,
  include: readonly string[],
): string[] {
  return [
    ...Object.values(PACKAGES).flat(),
    ...suite.packages,
    ...bootLoaderPackages(architecture),
    kernelPackage(kernel, architecture),
    ...include,
  ];
}

/** dpkg(1) path filters, in order. They stay in the image, so that packages of derived images are filtered alike. */
export const PATH_FILTERS: readonly string[] = [
  // Documentation and translations; copyright files stay.
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/info/*",
  "path-exclude=/usr/share/lintian/*",
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
  "path-exclude=/usr/share/locale/*",
  "path-include=/usr/share/locale/locale.alias",
  // Of GRUB and shim only what lies on an ESP later: the signed binaries without network and CD-ROM variants.
  "path-exclude=/usr/lib/grub/*-efi/*",
  "path-exclude=/usr/lib/grub/*-efi-signed/gcd*",
  "path-exclude=/usr/lib/grub/*-efi-signed/grubnet*",
  "path-exclude=/usr/lib/shim/*.efi",
  "path-exclude=/usr/lib/shim/fb*",
  "path-exclude=/usr/share/grub/*",
];
