# Usage: build-context.sh DIRECTORY, as root. The context that the build cases share, every file with the same old time.
set -eu
umask 022
mkdir -p "$1"
cd "$1"
mkdir -p dir/sub/deep empty sticky owned tree/a/x tree/b/x 'sp ace'
echo a > a.txt
echo b > b.txt
echo c > c.md
printf '#!/bin/sh\necho script\n' > exec.sh
chmod 755 exec.sh
echo private > private.txt
chmod 600 private.txt
echo setuid > setuid
chmod 4711 setuid
for name in one.txt two.md .hidden sub/three.txt sub/deep/four.txt sub/deep/five.md; do echo "$name" > "dir/$name"; done
ln -s one.txt dir/to-one
ln dir/one.txt dir/one-again.txt
ln -s a.txt to-a
ln -s dir to-dir
ln -s nowhere dangling
ln a.txt a-again.txt
mkdir links
ln -s nowhere links/dangling
ln -s ../a.txt links/up
ln -s /etc/passwd links/absolute
ln -s ../dir links/directory
chmod 700 empty
chmod 1777 sticky
echo owned > owned/file.txt
chown -R 1234:4321 owned
for path in a/x/1.txt a/x/2.log a/3.txt b/x/1.txt b/4.log; do echo "$path" > "tree/$path"; done
echo space > 'sp ace/f ile.txt'
echo umlaut > ö.txt
echo bracket > '[b].txt'
echo 'from ARG' > x-arg.txt
mkdir pack pack/inner
echo packed > pack/file.txt
echo inner > pack/inner/file.txt
chmod 640 pack/file.txt
chown 1000:29 pack/file.txt
ln -s file.txt pack/link
ln pack/file.txt pack/again.txt
find pack -exec touch -h -d @1300000000 {} +
for form in gz xz bz2; do tar --sort=name -C pack -caf "pack.tar.$form" .; done
tar --sort=name -C pack -cf pack.tar .
rm -r pack
echo 'not an archive' > fake.tar.gz
find . -exec touch -h -d @1400000000 {} +
