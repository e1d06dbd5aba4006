// The EFI system partition's files, taken from the image itself: nothing is built and nothing is signed anew, so the
// distribution's own Secure Boot chain holds. Three layouts are known:
//   bootupd (Fedora, CentOS, RHEL)  usr/lib/bootupd/updates/EFI/…, since 2025 also usr/lib/efi/COMPONENT/VERSION/EFI/…
//   Debian                          usr/lib/shim/shimx64.efi.signed, usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
//   Debian without shim             the same GRUB as EFI/BOOT/BOOTX64.EFI
// GRUB reads the grub.cfg of the folder built into it: EFI/VENDOR on the same file system (docs/formats/grub.md).
import { type ByteString, byteStringToUtf8, utf8 } from "../../base/bytes/index.ts";
import { contentBytes, contentOf } from "../../base/io/index.ts";
import { type Architecture, ImageContractError } from "../../image/index.ts";
import {
  directory,
  type DirectoryInode,
  file,
  type FileInode,
  lookup,
  lookupDirectory,
  place,
  sortedEntries,
  walk,
} from "../../tree/index.ts";
import { grubConfig } from "./grub-config.ts";

export interface EspFiles {
  readonly root: DirectoryInode;
  /** Folder below EFI/ whose grub.cfg the image's GRUB reads. */
  readonly vendor: string;
  /** Whether GRUB reads the boot entries by its own blscfg command. */
  readonly hasBlscfg: boolean;
  readonly hasShim: boolean;
}

interface Loader {
  readonly vendor: string;
  readonly grub: FileInode;
  readonly hasShim: boolean;
  /** Path on the ESP → file. */
  readonly files: readonly (readonly [ByteString, FileInode])[];
}

const MAX_GRUB_BYTES = 64 * 1024 * 1024;

/** Throws ImageContractError NO_BOOT_LOADER when the image brings no GRUB for UEFI. */
export async function espFiles(image: DirectoryInode, architecture: Architecture, rootUuid: string): Promise<EspFiles> {
  const loader = fromBootupd(image, architecture) ?? fromDebian(image, architecture);
  if (loader === undefined) {
    throw new ImageContractError(
      "NO_BOOT_LOADER",
      `cannot make the disk bootable: the image has no GRUB for UEFI on ${architecture.kernel} in usr/lib/bootupd/updates, usr/lib/efi or usr/lib/grub`,
      { hint: "Install the distribution's signed GRUB in the image (Debian: grub-efi-amd64-signed and shim-signed)" },
    );
  }
  const grub = await contentBytes(loader.grub.content, MAX_GRUB_BYTES, "the image's GRUB");
  const hasBlscfg = Buffer.from(grub).includes("blscfg");
  const root = directory();
  for (const [path, inode] of loader.files) place(root, path, inode);
  place(root, `EFI/${loader.vendor}/grub.cfg`, file(contentOf(utf8(grubConfig(rootUuid, hasBlscfg)))));
  return { root, vendor: loader.vendor, hasBlscfg, hasShim: loader.hasShim };
}

function fromBootupd(image: DirectoryInode, architecture: Architecture): Loader | undefined {
  const files = efiFolders(image).flatMap((folder) =>
    [...walk(folder)].flatMap(({ path, inode }) =>
      inode.type === "file" ? [[`EFI/${path}` as ByteString, inode] as const] : [],
    ),
  );
  const grubName = `/grub${architecture.efi}.efi`;
  const grub = files.find(([path]) => path.endsWith(grubName) && !path.startsWith("EFI/BOOT/"));
  const vendor = grub === undefined ? undefined : byteStringToUtf8(grub[0].slice("EFI/".length, -grubName.length));
  if (grub === undefined || vendor === undefined) return undefined;
  return {
    vendor,
    grub: grub[1],
    files,
    hasShim: files.some(([path]) => path.endsWith(`/shim${architecture.efi}.efi`)),
  };
}

/** Every folder of the image that stands for EFI/ on the ESP. */
function efiFolders(image: DirectoryInode): DirectoryInode[] {
  const folders: DirectoryInode[] = [];
  const updates = lookupDirectory(image, "usr/lib/bootupd/updates/EFI");
  if (updates !== undefined) folders.push(updates);
  for (const component of childDirectories(lookupDirectory(image, "usr/lib/efi"))) {
    for (const version of childDirectories(component)) {
      const efi = version.entries.get("EFI");
      if (efi?.type === "directory") folders.push(efi);
    }
  }
  return folders;
}

function childDirectories(parent: DirectoryInode | undefined): DirectoryInode[] {
  if (parent === undefined) return [];
  return sortedEntries(parent).flatMap(([, inode]) => (inode.type === "directory" ? [inode] : []));
}

function fromDebian(image: DirectoryInode, architecture: Architecture): Loader | undefined {
  const { efi } = architecture;
  const target = architecture.oci === "amd64" ? "x86_64-efi" : "arm64-efi";
  const grub =
    regular(image, `usr/lib/grub/${target}-signed/grub${efi}.efi.signed`) ??
    regular(image, `usr/lib/grub/${target}/monolithic/grub${efi}.efi`);
  if (grub === undefined) return undefined;
  const shim = regular(image, `usr/lib/shim/shim${efi}.efi.signed`);
  const mokManager = regular(image, `usr/lib/shim/mm${efi}.efi.signed`);
  const boot = `EFI/BOOT/BOOT${efi.toUpperCase()}.EFI`;
  const files: [ByteString, FileInode][] =
    shim === undefined
      ? [[boot, grub]]
      : [
          [boot, shim],
          [`EFI/BOOT/grub${efi}.efi`, grub],
        ];
  if (shim !== undefined && mokManager !== undefined) files.push([`EFI/BOOT/mm${efi}.efi`, mokManager]);
  return { vendor: "debian", grub, files, hasShim: shim !== undefined };
}

function regular(image: DirectoryInode, path: ByteString): FileInode | undefined {
  const inode = lookup(image, path);
  return inode?.type === "file" ? inode : undefined;
}
