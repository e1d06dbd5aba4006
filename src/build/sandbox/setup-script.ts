// The shell program that turns a directory into the sandbox's root: it runs as process 1 of new pid, mount, ipc and uts
// namespaces, mounts what a system expects to find (what OCI's runtime-spec lists for Linux), runs the command, and is
// there to reap its children. All data are arguments, never part of the text; descriptor 3 is the way to Slipway.
// Nothing it mounts leaves the root: symbolic links are followed here as the command will see them. docs/formats/sandbox.md

/**
 * Arguments: ROOT NETWORK, then MOUNTS, then `--` and the command. Mounts are of the forms
 *   bind TARGET SOURCE ro|rw · tmpfs TARGET OPTIONS · file TARGET SIZE MODE UID:GID · binfmt NAME RULE
 * Written to descriptor 3, each ended by NUL: `note TEXT`, `fail TEXT`, `made PARENT-BEFORE PARENT-AFTER PATH` (a mount
 * point that was not there; times of the directory it is in), `ready`. Read from it: what the files hold, in their order,
 * and a line after `ready`, so that nothing starts when nobody waits for it. Variables for the command are SLIPWAY_ENV_0, ….
 */
export const SETUP_SCRIPT = `
unset SLIPWAY_SETUP
umask 022
tell() { printf '%s\\0' "$1" >&3; }
fail() { tell "fail $1"; exit 125; }

# Sets at: where the container finds $1, below the root and free of symbolic links. What is missing stays as written.
resolve() {
  at=. rest=$1/ links=0
  while [ -n "$rest" ]; do
    name=\${rest%%/*} rest=\${rest#*/}
    case $name in
    '' | .) ;;
    ..) at=\${at%/*} ;;
    *)
      if [ -L "$at/$name" ]; then
        links=$((links + 1))
        [ $links -le 40 ] || fail "cannot mount on $1: too many symbolic links"
        link=$(readlink -n -- "$at/$name" && echo /) || fail "cannot mount on $1: cannot read a symbolic link"
        case $link in /*) at=. ;; esac
        rest=$link$rest
      else
        at=$at/$name
      fi
      ;;
    esac
  done
}

# Sets at for the mount point $2, a directory or a file ($1), making what is missing.
place() {
  resolve "$2"
  [ "$at" != . ] || fail "cannot mount on $2: it is the root"
  up=. rest=\${at#.} rest=\${rest#/}
  while [ -n "$rest" ]; do
    name=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} kind=directory ;; *) rest= kind=$1 ;; esac
    if ! [ -e "$up/$name" ]; then
      before=$(stat -c %.Y -- "$up")
      if [ $kind = directory ]; then mkdir -- "$up/$name"; else : >"$up/$name"; fi ||
        fail "cannot mount on $2: cannot make $up/$name"
      tell "made $before $(stat -c %.Y -- "$up") $up/$name"
    elif [ $kind = directory ] && ! [ -d "$up/$name" ]; then
      fail "cannot mount on $2: $up/$name is no directory"
    fi
    up=$up/$name
  done
}

mounted() { mount -n "$@" || fail "cannot mount in the sandbox: mount $*"; }

# Every mount at and below $1 becomes read-only; their other flags have to stay.
read_only() {
  while read -r _ _ _ _ on _; do
    case $on in *\\\\*) on=$(printf '%b/' "$on") on=\${on%/} ;; esac
    case $on/ in "$PWD/\${1#./}/"*) mounted -o remount,bind,ro "$on" ;; esac
  done </proc/self/mountinfo
}

# Of the kernel: /proc ($1) and /sys ($2).
kernel() {
  if ! mount -n -t proc -o nosuid,nodev,noexec proc "$1" 2>/dev/null; then
    mounted --rbind /proc "$1"
    read_only "$1"
    tell "note a new /proc may not be mounted here: the sandbox has the one outside, read-only"
  else
    # Root here may be root outside, to whom the kernel's switches listen.
    for name in bus fs irq sys sysrq-trigger; do
      [ ! -e "$1/$name" ] || mounted -o bind,ro,nosuid,nodev,noexec "$1/$name" "$1/$name"
    done
  fi
  # One of its own tells of its own network only; without one it would have to be the machine's.
  if [ "$network" != none ] || ! mount -n -t sysfs -o ro,nosuid,nodev,noexec sysfs "$2" 2>/dev/null; then
    mounted --rbind /sys "$2"
    read_only "$2"
  fi
}

devices() {
  mounted -t tmpfs -o nosuid,mode=755,size=64m tmpfs "$dev"
  for name in null zero full random urandom tty; do
    [ -e "/dev/$name" ] || continue
    : >"$dev/$name"
    # Its mode and owner are the machine's; reading and writing go on. Flags that have to stay are known by remounting.
    mount -n -o bind,ro "/dev/$name" "$dev/$name" 2>/dev/null || mounted -o remount,bind,ro "$dev/$name"
  done
  mkdir "$dev/pts" "$dev/shm"
  mounted -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m tmpfs "$dev/shm"
  options=nosuid,noexec,newinstance,ptmxmode=0666,mode=0620
  mount -n -t devpts -o "$options,gid=5" devpts "$dev/pts" 2>/dev/null || mounted -t devpts -o "$options" devpts "$dev/pts"
  ln -s pts/ptmx "$dev/ptmx"
  ln -s /proc/self/fd "$dev/fd"
  ln -s fd/0 "$dev/stdin"
  ln -s fd/1 "$dev/stdout"
  ln -s fd/2 "$dev/stderr"
}

system() {
  place directory /proc
  proc=$at
  place directory /sys
  sys=$at
  place directory /dev
  dev=$at
  # Dozens of programs, in two rows where their order does not matter.
  if [ "$proc $sys $dev" = './proc ./sys ./dev' ]; then
    kernel "$proc" "$sys" &
    devices
    wait $! || exit 125
  else
    kernel "$proc" "$sys"
    devices
  fi
  for name in kcore keys latency_stats timer_list timer_stats sched_debug; do
    [ ! -e "$proc/$name" ] || mounted --bind "$dev/null" "$proc/$name"
  done
  for name in acpi asound scsi; do
    [ ! -d "$proc/$name" ] || mounted -t tmpfs -o ro,size=4k tmpfs "$proc/$name"
  done
}

# Sets file to the name of a new one in memory.
begin_file() {
  files=$((files + 1))
  file=$dev/.$files
  : >"$file"
}

# Mounts it on $1.
mount_file() {
  place file "$1"
  mounted --bind "$file" "$at"
}

network() {
  begin_file
  if [ "$1" = none ]; then ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null
  else cat /etc/resolv.conf >"$file" 2>/dev/null
  fi
  mount_file /etc/resolv.conf
  begin_file
  if [ "$1" = host ] && [ -r /etc/hosts ]; then cat /etc/hosts; else printf '127.0.0.1 localhost\\n::1 localhost\\n'; fi >"$file"
  printf '127.0.1.1 slipway\\n' >>"$file"
  mount_file /etc/hosts
  begin_file
  printf 'slipway\\n' >"$file"
  mount_file /etc/hostname
  { echo slipway >/proc/sys/kernel/hostname; } 2>/dev/null || hostname slipway 2>/dev/null
}

root=$1 network=$2 files=0
shift 2
mounted --rbind -- "$root" "$root"
cd -P -- "$root" || fail "cannot enter $root"
system
network "$network"
while [ "$1" != -- ]; do
  case $1 in
  bind)
    if [ -d "$3" ]; then place directory "$2"; else place file "$2"; fi
    mounted --rbind -- "$3" "$at"
    [ "$4" = rw ] || read_only "$at"
    shift 4
    ;;
  tmpfs)
    place directory "$2"
    mounted -t tmpfs -o "$3" tmpfs "$at"
    shift 3
    ;;
  file)
    begin_file
    # Nobody else reads it before its mode is set: nothing runs yet.
    [ "$3" = 0 ] || dd bs="$3" count=1 iflag=fullblock status=none <&3 >"$file" || fail "cannot write $2"
    [ "$5" = 0:0 ] || chown "$5" "$file" || fail "cannot give $2 to $5"
    chmod "$4" "$file" || fail "cannot give $2 the mode $4"
    mount_file "$2"
    mounted -o remount,bind,ro "$at"
    shift 5
    ;;
  binfmt)
    # Nobody needs the outer /sys any more, and nobody inside sees it.
    mounted -t binfmt_misc binfmt_misc /sys
    [ -e "/sys/$2" ] || printf '%s' "$3" >/sys/register || [ -e "/sys/$2" ] || fail "cannot register $2 in binfmt_misc"
    shift 3
    ;;
  *) fail "unknown mount $1" ;;
  esac
done
shift
rm "$dev"/.[0-9]*
# With the root on /, no way up leads out of it.
mounted --move . /
tell ready
read -r go <&3 || exit 125
slipway_at=0
while eval '[ "\${SLIPWAY_ENV_'$slipway_at'+set}" ]'; do
  eval 'export "$SLIPWAY_ENV_'$slipway_at'"'
  unset "SLIPWAY_ENV_$slipway_at"
  slipway_at=$((slipway_at + 1))
done
"$@" 3>&-
exit $?
`;

/**
 * Takes mount points away again, as far as they are as they were made, and gives the directories they were in their
 * times back. Arguments: ROOT, then, last made first, TIME-BEFORE TIME-AFTER PATH. No symbolic link is followed: the
 * command may have put some there.
 */
export const CLEAN_SCRIPT = `
cd -P -- "$1" || exit
shift
while [ $# -gt 0 ]; do
  before=$1 after=$2 up=. rest=\${3#./} own=yes
  shift 3
  while [ "$rest" != "\${rest#*/}" ]; do
    up=$up/\${rest%%/*} rest=\${rest#*/}
    if [ -L "$up" ] || ! [ -d "$up" ]; then own=no; fi
  done
  [ $own = yes ] && ! [ -L "$up/$rest" ] || continue
  now=$(stat -c %.Y -- "$up")
  [ "$now" != "$after" ] || now=$before
  if [ -d "$up/$rest" ]; then rmdir -- "$up/$rest" 2>/dev/null || continue
  elif [ -f "$up/$rest" ] && ! [ -s "$up/$rest" ]; then rm -- "$up/$rest" || continue
  else continue
  fi
  touch -d "@$now" -- "$up"
done
exit 0
`;
