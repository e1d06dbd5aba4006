// A grub.cfg that no upgrade ever rewrites: at each boot it makes the menu from the boot entries that libostree, bootc
// or Slipway left in /boot/loader/entries. Where the image's GRUB has `blscfg` it does the work. Debian's has not: there
// the script sources the entries, whose lines read as commands (title, version and options are functions here; linux and
// initrd fail on a root that does not exist), and finds the kernel through the boot checksum in `ostree=`.
// Proven by boots with the signed GRUB of Debian 12 (2.06), 13 (2.12) and forky (2.14); see docs/formats/grub.md.

/** The script for EFI/VENDOR/grub.cfg. `rootUuid` is the UUID of the file system that holds /boot. */
export function grubConfig(rootUuid: string, hasBlscfg: boolean): string {
  return (hasBlscfg ? BLSCFG : SOURCED_ENTRIES).replaceAll("@ROOT_UUID@", rootUuid);
}

const BLSCFG = `# Made by slipway; never rewritten. The entries are in /boot/loader/entries.
search --no-floppy --fs-uuid --set=root @ROOT_UUID@
set boot=$root
set blsdir=/boot/loader/entries
set timeout=1
blscfg
`;

const SOURCED_ENTRIES = `# Made by slipway; never rewritten. The entries are in /boot/loader/entries.
search --no-floppy --fs-uuid --set=boot @ROOT_UUID@
set timeout=1
set bls_top=0
function title { set bls_title="$*"; }
function version { set bls_version="$1"; }
function options { set bls_options="$*"; }
for f in ($boot)/boot/loader/entries/*.conf; do
  set bls_title=""
  set bls_version=0
  set bls_options=""
  set root=nowhere
  source $f
  set root=$boot
  if regexp --set=1:bls_name --set=2:bls_sum 'ostree=/ostree/boot\\.[01]/([^/]+)/([0-9a-f]+)/' "$bls_options"; then
    for k in ($boot)/boot/ostree/$bls_name-$bls_sum/vmlinuz-*; do set bls_linux="$k"; done
    set bls_initrd=""
    for k in ($boot)/boot/ostree/$bls_name-$bls_sum/initramfs-*; do set bls_initrd="$k"; done
    menuentry "$bls_title" --id "ostree-$bls_version" "$bls_linux" "$bls_initrd" "$bls_options" {
      linux $2 $4
      initrd $3
    }
    if [ $bls_version -gt $bls_top ]; then set bls_top=$bls_version; set default="ostree-$bls_version"; fi
  fi
done
`;
