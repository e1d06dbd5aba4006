// The shell program that turns a directory into the sandbox's root: it runs as process 1 of new pid, mount, ipc and uts
// namespaces, mounts what a system expects to find (what OCI's runtime-spec lists for Linux), runs the command, and is
// there to reap its children. All data are arguments, never part of the text; descriptor 3 is the way to Slipway.
// Nothing it mounts leaves the root: symbolic links are followed here as the command will see them. docs/formats/sandbox.md

/**
 * Arguments: ROOT OWN NETWORK ENV, then MOUNTS, then `--` and the command. OWN is an empty directory outside of ROOT for
 * this run, ENV the program env. Mounts are of the forms
 *   bind TARGET SOURCE ro|rw · tmpfs TARGET OPTIONS · file TARGET SIZE MODE UID:GID · binfmt NAME RULE
 * Written to descriptor 3, each ended by NUL: `note TEXT`, `fail TEXT`, `made PARENT-BEFORE PARENT-AFTER PATH` (a mount
 * point that was not there; times of the directory it is in), `output` (the named pipes .out and .err in OWN want to be
 * read), `ready`. Read from it: a line after `output`, then what the files hold, in their order, and a line after `ready`:
 * nothing starts when nobody waits for it. Variables for the command are SLIPWAY_ENV_0, …; those that no shell can export
 * are SLIPWAY_ODD_0, ….
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

# Sets at for the mount point $2, a directory or a file ($1), making what is missing. Another step may change what is in a
# shared cache at any time: each directory is entered and must then be the one that was meant, and nothing is followed.
place() {
  resolve "$2"
  [ "$at" != . ] || fail "cannot mount on $2: it is the root"
  up=. rest=\${at#.} rest=\${rest#/}
  while [ -n "$rest" ]; do
    name=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} kind=directory ;; *) rest= kind=$1 ;; esac
    if ! [ -e "./$name" ]; then
      [ $ours = no ] || before=$(stat -c %.Y .)
      if [ $kind = directory ]; then mkdir -- "./$name"; else (set -C && : >"./$name"); fi ||
        fail "cannot mount on $2: cannot make $up/$name"
      # What is made in a mount is not in the root below it.
      [ $ours = no ] || tell "made $before $(stat -c %.Y .) $up/$name"
    elif [ $kind = directory ] && ! [ -d "./$name" ]; then
      fail "cannot mount on $2: $up/$name is no directory"
    fi
    up=$up/$name
    case $newline$mounts in *"$newline$up$newline"*) ours=no ;; esac
    if [ -n "$rest" ]; then
      cd -P -- "./$name" && [ "$PWD" = "$base\${up#.}" ] || fail "cannot mount on $2: $up has changed meanwhile"
    fi
  done
  cd -P -- "$base" || fail "cannot enter $base"
  ours=yes mounts=$mounts$at$newline
}

mounted() { mount -n "$@" || fail "cannot mount in the sandbox: mount $*"; }

# Sets field to $1 as fstab(5) has it.
field() {
  field=$1
  case $1 in *[" $tab$newline\\\\"]*) field= chars=$1 ;; *) return ;; esac
  while [ -n "$chars" ]; do
    case $chars in
    ' '*) field=$field'\\040' ;;
    "$tab"*) field=$field'\\011' ;;
    "$newline"*) field=$field'\\012' ;;
    \\\\*) field=$field'\\134' ;;
    *) field=$field\${chars%"\${chars#?}"} ;;
    esac
    chars=\${chars#?}
  done
}

# Sets text to the field $1 of mountinfo: a backslash there is followed by three octal digits.
unescape() {
  text= chars=$1
  while :; do
    case $chars in *\\\\*) ;; *) break ;; esac
    text=$text\${chars%%\\\\*} chars=\${chars#*\\\\}
    char=$(printf "\\\\\${chars%"\${chars#???}"}.")
    text=$text\${char%.} chars=\${chars#???}
  done
  text=$text$chars
}

# For mount_lines: $1 on $2, of type $3, with options $4. One program mounts many in the time of one.
line() {
  field "$1"
  lines=$lines$field
  field "$2"
  lines="$lines $field $3 $4 0 0$newline"
}

# With flags $2 from now on. What has this source and target already would be left out as mounted: nothing has it.
remount() { line slipway "$1" none "remount,bind,$2"; }

mount_lines() {
  printf '%s' "$lines" >"$own/.0"
  lines=
  mount -n --all --fstab "$own/.0" || fail 'cannot mount in the sandbox'
}

# What is mounted on each argument becomes read-only, with all below it; other flags have to stay.
read_only() {
  tree=' ' seen=' '
  while read -r id parent _ _ on flags _; do
    unescape "$on"
    index=0 top=
    for each; do
      index=$((index + 1))
      [ "$text" != "$base/\${each#./}" ] || top=$index
    done
    if [ -n "$top" ]; then
      # It hides what was mounted there before.
      case $seen in *" $top "*) [ $# -gt 1 ] || tree=' ' lines= ;; *) seen="$seen$top " ;; esac
    else
      case $tree in *" $parent "*) ;; *) continue ;; esac
    fi
    tree="$tree$id "
    remount "$text" "ro\${flags#r[ow]}"
  done </proc/self/mountinfo
  index=0
  for each; do
    index=$((index + 1))
    case $seen in *" $index "*) ;; *) fail "cannot make $each read-only: nothing is mounted there" ;; esac
  done
  mount_lines
}

system() {
  place directory /proc
  proc=$at
  place directory /sys
  sys=$at
  place directory /dev
  dev=$at
  # Root here may be root outside, to whom the kernel's switches listen. The arguments are what becomes read-only.
  switches='bus fs irq sys sysrq-trigger'
  set --
  if ! mount -n -t proc -o nosuid,nodev,noexec proc "$proc" 2>/dev/null; then
    mounted --rbind /proc "$proc"
    switches=
    set -- "$proc"
    tell "note a new /proc may not be mounted here: the sandbox has the one outside, read-only"
  fi
  # One of its own tells of its own network only; without one it would have to be the machine's.
  if [ "$network" != none ] || ! mount -n -t sysfs -o ro,nosuid,nodev,noexec sysfs "$sys" 2>/dev/null; then
    mounted --rbind /sys "$sys"
    set -- "$@" "$sys"
  fi
  # After them: what is written to it must not go to theirs, wherever a hostile root has its /dev.
  mounted -t tmpfs -o nosuid,mode=755,size=64m tmpfs "$dev"
  links &
  for name in $switches; do
    [ -e "$proc/$name" ] || continue
    line "$proc/$name" "$proc/$name" none bind
    set -- "$@" "$proc/$name"
  done
  for name in null zero full random urandom tty; do
    [ -e "/dev/$name" ] || continue
    : >"$dev/$name"
    # Its mode and owner are the machine's. Reading and writing go on.
    line "/dev/$name" "$dev/$name" none bind
    set -- "$@" "$dev/$name"
  done
  for name in kcore keys latency_stats timer_list timer_stats sched_debug; do
    [ -e "$proc/$name" ] || continue
    line "$dev/null" "$proc/$name" none bind
    set -- "$@" "$proc/$name"
  done
  for name in acpi asound scsi; do
    [ ! -d "$proc/$name" ] || line tmpfs "$proc/$name" tmpfs ro,size=4k
  done
  line tmpfs "$dev/shm" tmpfs nosuid,nodev,noexec,mode=1777,size=64m,X-mount.mkdir
  options=nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,X-mount.mkdir
  while read -r first _ count; do
    [ "$first" -gt 5 ] || [ $((first + count)) -le 5 ] || options=$options,gid=5
  done </proc/self/gid_map
  line devpts "$dev/pts" devpts "$options"
  mount_lines
  read_only "$@"
  wait
}

# Beside the mounts: links of /dev.
links() {
  ln -s pts/ptmx /proc/self/fd "$dev"
  ln -s fd/0 "$dev/stdin"
  ln -s fd/1 "$dev/stdout"
  ln -s fd/2 "$dev/stderr"
}

# Pipes for output, and the files of network.
files() {
  mkfifo -m 0666 "$own/.out" "$own/.err"
  if [ "$network" = none ]; then ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null
  else cat /etc/resolv.conf 2>/dev/null
  fi >"$own/.1"
  if [ "$network" = host ] && [ -r /etc/hosts ]; then cat /etc/hosts; else printf '127.0.0.1 localhost\\n::1 localhost\\n'; fi >"$own/.2"
  printf '127.0.1.1 slipway\\n' >>"$own/.2"
  printf 'slipway\\n' >"$own/.3"
}

network() {
  { echo slipway >/proc/sys/kernel/hostname; } 2>/dev/null || hostname slipway 2>/dev/null
  files=0
  for name in resolv.conf hosts hostname; do
    files=$((files + 1)) file=$own/.$files
    place file "/etc/$name"
    line "$file" "$at" none bind
  done
  mount_lines
}

tab='\t' newline='
' lines= mounts= ours=yes
root=$1 own=$2 network=$3 env=$4
shift 4
mounted -t tmpfs -o nosuid,nodev,mode=700,size=64m tmpfs "$own"
mounted --rbind -- "$root" "$root"
cd -P -- "$root" || fail "cannot enter $root"
base=$PWD
files &
system
network
# Slipway reads them now. Opening for both first does not wait, should it be gone.
tell output
read -r go <&3 || exit 125
exec 6<>"$own/.out" 7<>"$own/.err"
exec 4>"$own/.out" 5>"$own/.err" 6>&- 7>&-
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
    files=$((files + 1)) file=$own/.$files
    : >"$file"
    # Nobody else reads it before its mode is set: nothing runs yet.
    [ "$3" = 0 ] || dd bs="$3" count=1 iflag=fullblock status=none <&3 >"$file" || fail "cannot write $2"
    [ "$5" = 0:0 ] || chown "$5" "$file" || fail "cannot give $2 to $5"
    chmod "$4" "$file" || fail "cannot give $2 the mode $4"
    place file "$2"
    line "$file" "$at" none bind
    remount "$at" ro,nosuid,nodev
    mount_lines
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
# A volume may have brought the directory into the root.
rm "$own"/.[0-9oe]*
# With the root on /, no way up leads out of it.
mounted --move . /
tell ready
read -r go <&3 || exit 125
slipway_env=$env slipway_at=0
while eval '[ "\${SLIPWAY_ENV_'$slipway_at'+set}" ]'; do
  eval 'export "$SLIPWAY_ENV_'$slipway_at'"'
  unset "SLIPWAY_ENV_$slipway_at"
  slipway_at=$((slipway_at + 1))
done
slipway_at=0
while eval '[ "\${SLIPWAY_ODD_'$slipway_at'+set}" ]'; do
  eval 'set -- "$SLIPWAY_ODD_'$slipway_at'" "$@"'
  unset "SLIPWAY_ODD_$slipway_at"
  slipway_at=$((slipway_at + 1))
done
# What a shell has in its environment is not the command's.
set -- "$slipway_env" -u PATH -u LC_ALL -u PWD -u OLDPWD -u SHLVL -u _ -- "$@"
"$@" >&4 2>&5 3>&- 4>&- 5>&-
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
