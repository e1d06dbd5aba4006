# Usage: enter-oracle-root.sh ROOT FOLDER... -- PROGRAM ARGUMENT..., as root in a mount namespace of its own.
# Runs the program with a writable overlay of ROOT as its /, and FOLDERs of this machine at their own paths. What it
# writes elsewhere is in memory: a tmpfs on ROOT/tmp, which the overlay does not show.
set -eu
cd "$1"
shift
mount -t tmpfs -o mode=755 tmpfs tmp
mkdir tmp/upper tmp/work tmp/root
mount -t overlay -o lowerdir=.,upperdir=tmp/upper,workdir=tmp/work overlay tmp/root
while [ "$1" != -- ]; do
  mkdir -p "tmp/root$1"
  mount --rbind "$1" "tmp/root$1"
  shift
done
shift
exec chroot tmp/root "$@"
