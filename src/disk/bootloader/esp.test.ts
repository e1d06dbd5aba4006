import { describe, expect, it } from "vitest";
import { utf8, utf8ToByteString } from "../../base/bytes/index.ts";
import { contentBytes, contentOf } from "../../base/io/index.ts";
import { findArchitecture } from "../../image/index.ts";
import { directory, type DirectoryInode, file, lookup, place, walk } from "../../tree/index.ts";
import { espFiles } from "./esp.ts";

const UUID = "01234567-89ab-8def-8123-456789abcdef";

function image(...paths: readonly (string | readonly [string, string])[]): DirectoryInode {
  const root = directory();
  for (const each of paths) {
    const [path, text] = typeof each === "string" ? [each, `content of ${each}`] : each;
    place(root, utf8ToByteString(path), file(contentOf(utf8(text))));
  }
  return root;
}

function architecture(name: string): NonNullable<ReturnType<typeof findArchitecture>> {
  const found = findArchitecture(name);
  if (found === undefined) throw new Error(`${name} is not known`);
  return found;
}

async function textAt(root: DirectoryInode, path: string): Promise<string> {
  const inode = lookup(root, path);
  if (inode?.type !== "file") throw new Error(`no file ${path}`);
  return Buffer.from(await contentBytes(inode.content, 1_000_000)).toString();
}

function files(root: DirectoryInode): string[] {
  return [...walk(root)].filter(({ inode }) => inode.type === "file").map(({ path }) => path);
}

describe("the EFI partition", () => {
  it("takes Debian's shim and signed GRUB", async () => {
    const esp = await espFiles(
      image(
        "usr/lib/shim/shimx64.efi.signed",
        "usr/lib/shim/mmx64.efi.signed",
        "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
      ),
      architecture("amd64"),
      UUID,
    );
    expect(esp).toMatchObject({ vendor: "debian", hasShim: true, hasBlscfg: false });
    expect(files(esp.root)).toEqual([
      "EFI/BOOT/BOOTX64.EFI",
      "EFI/BOOT/grubx64.efi",
      "EFI/BOOT/mmx64.efi",
      "EFI/debian/grub.cfg",
    ]);
    expect(await textAt(esp.root, "EFI/BOOT/BOOTX64.EFI")).toContain("shimx64");
    expect(await textAt(esp.root, "EFI/debian/grub.cfg")).toContain(`search --no-floppy --fs-uuid --set=boot ${UUID}`);
  });
  it("boots Debian's GRUB directly where there is no shim", async () => {
    const esp = await espFiles(image("usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed"), architecture("arm64"), UUID);
    expect(esp.hasShim).toBe(false);
    expect(await textAt(esp.root, "EFI/BOOT/BOOTAA64.EFI")).toContain("grubaa64");
  });
  it.each([
    ["bootupd's update folder", "usr/lib/bootupd/updates/EFI"],
    ["the folders of 2025 and later", "usr/lib/efi/grub2/1:2.12/EFI"],
  ])("takes %s, and blscfg where GRUB has it", async (_, folder) => {
    const esp = await espFiles(
      image(`${folder}/BOOT/BOOTX64.EFI`, `${folder}/fedora/shimx64.efi`, [
        `${folder}/fedora/grubx64.efi`,
        "..blscfg..",
      ]),
      architecture("amd64"),
      UUID,
    );
    expect(esp).toMatchObject({ vendor: "fedora", hasBlscfg: true, hasShim: true });
    expect(await textAt(esp.root, "EFI/fedora/grub.cfg")).toMatch(new RegExp(`${UUID}[\\s\\S]*^blscfg$`, "m"));
  });
  it("says what it looked for when there is none", async () => {
    await expect(espFiles(image("usr/bin/true"), architecture("amd64"), UUID)).rejects.toMatchObject({
      code: "NO_BOOT_LOADER",
    });
  });
});
