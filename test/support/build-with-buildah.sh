# Usage: build-with-buildah.sh FOLDER JOBS BASE..., in the oracle root. BASE is NAME=TRANSPORT:PLACE. Builds each FOLDER/*/arguments
# (one argument a line) with buildah and puts the image to FOLDER/*/image as `dir:`; the exit code to FOLDER/*/status.
# Storage is in memory: an overlay needs a file system that is none itself.
set -eu
folder=$1
jobs=$2
shift 2
mount -t tmpfs tmpfs /mnt
export STORAGE_DRIVER=overlay TMPDIR=/mnt BUILDAH_FORMAT=docker
for base; do
  id=$(buildah --root=/mnt/graph --runroot=/mnt/run pull --quiet "${base#*=}")
  buildah --root=/mnt/graph --runroot=/mnt/run tag "$id" "${base%%=*}"
done
cat > /mnt/one.sh <<'END'
cd "$1"
set -- --root=/mnt/graph --runroot=/mnt/run
tag=localhost/case:$(basename "$PWD")
status=0
tr '\n' '\0' < arguments | xargs -0 buildah "$@" bud --isolation chroot --layers --pull=never --no-cache \
  --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 -t "$tag" > log 2>&1 || status=$?
if [ $status = 0 ]; then buildah "$@" push --quiet "$tag" "dir:$PWD/image" >> log 2>&1 || status=$?; fi
echo $status > status
END
ls -d "$folder"/*/ | xargs -P "$jobs" -n 1 sh /mnt/one.sh
