// A grub.cfg that no upgrade ever rewrites: at each boot it makes the menu from the boot entries that libostree, bootc
// or Slipway left in /boot/loader/entries. Where the image's GRUB has `blscfg` it does the work. Debian's has not: there
// the script sources the entries, whose lines read as commands. Why each line is as it is: docs/formats/grub.md.
import { ImageContractError } from "../../image/index.ts";

/** The script for EFI/VENDOR/grub.cfg. `rootUuid` is the UUID of the file system that holds /boot. */
export function grubConfig(rootUuid: string, hasBlscfg: boolean): string {
  return (hasBlscfg ? BLSCFG : SOURCED_ENTRIES).replaceAll("@ROOT_UUID@", rootUuid);
}

/** Throws BAD_KARGS for an argument that a sourced entry cannot hold: the script's own characters. */
export function assertScriptable(karg: string): void {
  if (!/["'$;&|<>{}\\]|(?:^|\s)#/.test(karg)) return;
  throw new ImageContractError(
    "BAD_KARGS",
    `cannot use kernel argument ${JSON.stringify(karg)}: this image's GRUB reads boot entries as script, where " ' $ ; & | < > { } \\ and a leading # mean something else`,
  );
}

const BLSCFG = `# Boot menu of an ostree system, made from /boot/loader/entries at every start.
# Upgrades and rollbacks only write entries there; nothing rewrites this file.
search --no-floppy --fs-uuid --set=root @ROOT_UUID@
set boot=$root
set blsdir=/boot/loader/entries
set timeout=1
blscfg
`;

const SOURCED_ENTRIES = `# Boot menu of an ostree system, made from /boot/loader/entries at every start.
# Upgrades and rollbacks only write entries there; nothing rewrites this file.
search --no-floppy --fs-uuid --set=boot @ROOT_UUID@
set timeout=1
set env=($boot)/boot/grub/grubenv

# A boot entry is read as a script: each line is a word with its arguments.
# "linux" and "initrd" are GRUB's own commands and fail, as root names no device.
function title { set bls_title="$*"; }
function version { set bls_version="$1"; }
function options { set bls_options="$bls_options $*"; }
function architecture { true; }
function grub_users { true; }
function grub_hotkey { true; }
function grub_class { true; }
function grub_arg { true; }
function id { true; }
function efi { true; }
function uki { true; }
function fdtdir { true; }
function aboot { true; }
function abootcfg { true; }

set bls_first=0
set bls_second=0
for entry in ($boot)/boot/loader/entries/*.conf; do
  set bls_title="$entry"
  set bls_version=""
  set bls_options=""
  set root=none
  source $entry
  set root=$boot
  if regexp --set=1:bls_stateroot --set=2:bls_checksum ' ostree=/ostree/boot\\.[01]/([^/ ]+)/([0-9a-f]+)/' "$bls_options"; then
    set bls_linux=""
    set bls_initrd=""
    set bls_devicetree=""
    set bls_kernel=($boot)/boot/ostree/$bls_stateroot-$bls_checksum
    for file in $bls_kernel/vmlinuz-*; do if [ -f "$file" ]; then set bls_linux="$file"; fi; done
    for file in $bls_kernel/initramfs-*; do if [ -f "$file" ]; then set bls_initrd="$file"; fi; done
    for file in $bls_kernel/devicetree-*; do if [ -f "$file" ]; then set bls_devicetree="$file"; fi; done
    if [ -n "$bls_version" -a -n "$bls_linux" ]; then
      menuentry "$bls_title" --id "ostree-$bls_version" "$bls_linux" "$bls_options" "$bls_initrd" "$bls_devicetree" {
        linux $2 $3
        if [ -n "$4" ]; then initrd $4; fi
        if [ -n "$5" ]; then devicetree $5; fi
      }
      if [ "$bls_version" -gt "$bls_first" ]; then
        set bls_second=$bls_first
        set bls_first=$bls_version
      elif [ "$bls_version" -gt "$bls_second" ]; then
        set bls_second=$bls_version
      fi
    fi
  fi
done
set default="ostree-$bls_first"

# Tries left for a new deployment; at 0 the one before it starts.
if [ -s $env ]; then
  load_env --file $env boot_counter
  if [ -n "$boot_counter" ]; then
    if [ "$boot_counter" = 0 ]; then
      if [ "$bls_second" != 0 ]; then set default="ostree-$bls_second"; fi
    elif [ "$boot_counter" = 1 ]; then set boot_counter=0; save_env --file $env boot_counter
    elif [ "$boot_counter" = 2 ]; then set boot_counter=1; save_env --file $env boot_counter
    elif [ "$boot_counter" = 3 ]; then set boot_counter=2; save_env --file $env boot_counter
    fi
  fi
fi
`;
