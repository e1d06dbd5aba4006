#!/usr/bin/env bash
# The peer of `slipway disk create`: a bootable qcow2 from a bootable image with the tools that Debian has, by hand, as root.
# usage: peer-disk.sh LAYOUT_DIR:TAG OUT.qcow2 [none|zlib|zstd]
# Needs umoci, ostree, e2fsprogs, mtools, dosfstools, fdisk, qemu-utils, grub-efi-amd64-bin.
# Prints "STEP<tab>seconds" for each step, "total", and "temp-bytes": the most that the work directory has held after any step.
set -euo pipefail

image=$1
out=$2
compression=${3:-none}
esp_mib=64

work=$(mktemp -d)
# ostree makes deployments immutable; they have to be freed before they can go.
trap 'chattr -R -i "$work/sysroot/ostree/deploy" 2>/dev/null || true; rm -rf "$work"' EXIT

total=0
peak=0
begin() { started=$EPOCHREALTIME; }
# Time ends before the space is counted: counting is ours, not the chain's.
end() {
  local seconds bytes
  seconds=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }')
  total=$(awk -v a="$total" -v b="$seconds" 'BEGIN { printf "%.3f", a + b }')
  bytes=$(du -s -B1 "$work" | cut -f1)
  ((bytes > peak)) && peak=$bytes
  printf '%s\t%s\n' "$1" "$seconds"
}

begin
umoci unpack --image "$image" "$work/bundle" >"$work/umoci.log" 2>&1
rootfs=$work/rootfs
mv "$work/bundle/rootfs" "$rootfs"
end unpack

begin
for dir in dev proc run sys tmp; do
  rm -rf "${rootfs:?}/$dir"
  mkdir "$rootfs/$dir"
done
[[ ! -d $rootfs/etc ]] || mv "$rootfs/etc" "$rootfs/usr/etc"
sysroot=$work/sysroot
repo=$sysroot/ostree/repo
mkdir "$sysroot"
ostree admin init-fs --modern "$sysroot"
ostree admin os-init --sysroot="$sysroot" default >/dev/null
ostree commit --repo="$repo" --branch=image --tree=dir="$rootfs" --no-bindings >/dev/null
end commit

begin
uuid=$(</proc/sys/kernel/random/uuid)
ostree admin deploy --sysroot="$sysroot" --os=default --karg=root=UUID="$uuid" --karg=rw image >/dev/null 2>&1
end deploy

begin
root_mib=$(($(du -sm "$sysroot" | cut -f1) * 5 / 4 + 512))
mke2fs -q -F -t ext4 -L root -U "$uuid" -d "$sysroot" "$work/root.img" "${root_mib}M" >/dev/null
end ext4

begin
cat >"$work/grub.cfg" <<CFG
search --no-floppy --fs-uuid --set=root $uuid
configfile (\$root)/boot/grub/grub.cfg
CFG
grub-mkimage -O x86_64-efi -p /EFI/BOOT -c "$work/grub.cfg" -o "$work/BOOTX64.EFI" \
  part_gpt fat ext2 search search_fs_uuid configfile linux normal
truncate -s ${esp_mib}M "$work/esp.img"
mkfs.vfat -F 32 -n EFI-SYSTEM "$work/esp.img" >/dev/null
mmd -i "$work/esp.img" ::/EFI ::/EFI/BOOT
mcopy -i "$work/esp.img" "$work/BOOTX64.EFI" ::/EFI/BOOT/
end esp

begin
disk=$work/disk.raw
truncate -s $((esp_mib + root_mib + 2))M "$disk"
sfdisk --quiet "$disk" <<TABLE
label: gpt
start=1MiB, size=${esp_mib}MiB, type=uefi, name=EFI-SYSTEM
size=${root_mib}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
TABLE
dd if="$work/esp.img" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none
dd if="$work/root.img" of="$disk" bs=1M seek=$((1 + esp_mib)) conv=notrunc,sparse status=none
end assemble

begin
options=()
[[ $compression == none ]] || options=(-c -W -m "$(nproc)" -o "compression_type=$compression")
qemu-img convert -f raw -O qcow2 "${options[@]}" "$disk" "$out"
end encode

printf 'total\t%s\ntemp-bytes\t%s\n' "$total" "$peak"
