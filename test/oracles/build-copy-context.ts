/** The context that COPY and ADD are held against buildah with: files, links, bits, archives. */
import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, lutimesSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** 2020-01-01. */
export const TIME = 1_577_836_800;

/** Everything dated `TIME`. */
export function makeContext(context: string): void {
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(context, path, ".."), { recursive: true });
    writeFileSync(join(context, path), text);
    chmodSync(join(context, path), mode);
  };
  const link = (path: string, target: string): void => symlinkSync(target, join(context, path));
  put("a.txt", "one\n");
  put("b.txt", "two\n", 0o755);
  put("suid", "s", 0o4755);
  put("sgid", "g", 0o2755);
  put("base/f", "base\n");
  put("base/d/old", "old\n");
  put("base/d/sub/old", "old\n");
  put("base/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1001:1002::/:/bin/sh\n");
  put("base/etc/group", "root:x:0:\nbobs:x:1002:\nstaff:x:50:\n");
  chmodSync(join(context, "base/d"), 0o700);
  link("base/lf", "f");
  link("base/ld", "/d");
  link("base/dangling", "nowhere/x");
  put("dir/x.txt", "x");
  put("dir/sub/y.txt", "y");
  put("dir/sub/deep/z.txt", "z");
  mkdirSync(join(context, "dir/e"));
  chmodSync(join(context, "dir/sub"), 0o2770);
  link("dir/link", "x.txt");
  linkSync(join(context, "dir/x.txt"), join(context, "dir/hard"));
  execFileSync("mkfifo", [join(context, "dir/fifo")]);
  put("file-over/d", "now a file\n");
  put("dir-over/f/in", "now a directory\n");
  put("link-over/ld/in", "now a directory\n");
  link("to-file", "dir/x.txt");
  link("to-dir", "dir");
  link("absolute", "/a.txt");
  link("escape", "../../../../etc/passwd");
  link("loop", "loop");
  put("plain.gz", "", 0o644);
  execFileSync("sh", ["-ec", ARCHIVES], { cwd: context });
  setTimes(context);
}

const ARCHIVES = `
rm plain.gz; echo plain | gzip -n > plain.gz
mkdir -p t/sub t/dd ld
echo in > t/sub/in; echo top > t/top; ln -s sub t/ln; ln t/top t/hard
chown 12:34 t/top t/sub; chmod 4755 t/top; chmod 2750 t/sub
find t ld -exec touch -h -d @${TIME} {} +
cd t
tar cf ../t.tar --sort=name .
tar cf ../nodirs.tar --no-recursion sub/in top
tar cf ../absolute.tar -P --transform 's,^,/abs/,' top
tar cf ../climbing.tar -P --transform 's,^,../../up/,' top
cd ..
echo via > ld/via; touch -d @${TIME} ld ld/via
tar cf over-link.tar ld; tar cf below-link.tar ld/via
rm -r t ld
gzip -nk t.tar; bzip2 -k t.tar; xz -k t.tar; zstd -q t.tar
tar cf nothing.tar -T /dev/null; head -c 1200 t.tar > cut.tar`;

function setTimes(path: string): void {
  lutimesSync(path, TIME, TIME);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) setTimes(join(path, entry.name));
    else lutimesSync(join(path, entry.name), TIME, TIME);
  }
  lutimesSync(path, TIME, TIME);
}
