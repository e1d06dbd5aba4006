# Usage: build-busybox-root.sh DIRECTORY BUSYBOX, as root. A small system in DIRECTORY: busybox with its applets, users and
# groups, and what layers can carry: hard links, links, a capability, xattrs, all mode bits, a directory tree, a fifo.
set -eu
umask 022
cd "$1"
mkdir -p bin dev etc home/app mnt proc root run srv/data/keep srv/old/sub srv/opaque/below sys tmp usr/bin usr/lib usr/share/doc var/lib var/tmp
cp "$2" bin/busybox
chmod 755 bin/busybox
for applet in $(bin/busybox --list); do
  [ "$applet" = busybox ] || ln -s busybox "bin/$applet"
done
chmod 1777 tmp var/tmp
chmod 700 root
cat > etc/passwd <<END
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
app:x:1000:1000:App:/home/app:/bin/sh
END
cat > etc/group <<END
root:x:0:
daemon:x:1:
audio:x:29:app
video:x:44:app
app:x:1000:
END
echo 'PRETTY_NAME="Busybox base"' > usr/lib/os-release
# Mount points of builders, which some leave in the image.
: > etc/hostname
: > etc/hosts
: > etc/resolv.conf
ln -s ../usr/lib/os-release etc/os-release
chown 1000:1000 home/app
for name in one two three; do echo "$name" > "srv/data/$name.txt"; done
ln srv/data/one.txt srv/data/one-again.txt
ln srv/data/one.txt usr/share/one.txt
ln -s data srv/link
ln -s /srv/data srv/absolute
ln -s nowhere srv/dangling
echo keep > srv/data/keep/kept.txt
echo old > srv/old/file.txt
echo old > srv/old/sub/file.txt
echo below > srv/opaque/below/file.txt
mkfifo srv/fifo
echo secret > srv/private.txt
chmod 600 srv/private.txt
chown 1000:29 srv/private.txt
cp bin/busybox usr/bin/ping
chmod 4755 usr/bin/ping
echo tool > usr/bin/captool
chmod 755 usr/bin/captool
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 usr/bin/captool
setfattr -n user.origin -v base srv/data/two.txt
