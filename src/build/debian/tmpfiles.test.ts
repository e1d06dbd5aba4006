import { describe, expect, it } from "vitest";
import { utf8 } from "../../base/bytes/index.ts";
import { contentOf } from "../../base/io/index.ts";
import { directory, file, lookup, symlink } from "../../tree/index.ts";
import { madeBy, moveToTmpfiles, namesFrom } from "./tmpfiles.ts";

const NAMES = namesFrom("root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\n", "root:x:0:\nwww-data:x:33:\n");

describe("/var as tmpfiles.d lines", () => {
  it("makes directories, links and files, and keeps the files' contents in the factory", () => {
    const root = directory();
    const content = file(contentOf(utf8("data")), { mode: 0o640, gid: 33 });
    const tree = directory({}, [
      ["lib", directory({}, [["web", directory({ mode: 0o2775, uid: 33, gid: 33 }, [["state", content]])]])],
      ["mail", symlink("spool/mail")],
    ]);
    expect(moveToTmpfiles(root, tree, "var", new Set(["/var/lib"]), NAMES)).toEqual([
      "d /var/lib/web 2775 www-data www-data -",
      "C /var/lib/web/state 0640 root www-data -",
      "L /var/mail - - - - spool/mail",
    ]);
    expect(lookup(root, "usr/share/factory/var/lib/web/state")).toBe(content);
  });

  it("escapes what tmpfiles.d would read as something else", () => {
    const tree = directory({}, [["100% a", directory({ uid: 7, gid: 8 })]]);
    expect(moveToTmpfiles(directory(), tree, "var", new Set(), NAMES)).toEqual(["d /var/100%%\\x20a 0755 7 8 -"]);
  });

  it("knows what existing lines make", () => {
    expect(
      madeBy("# d /no\nd /var/lib 0755\nd$ /var/a/ - - -\nL+ /var/b - - - - x\nz /var/c\n\nf^ /var/d - - - - cred\n"),
    ).toEqual(["/var/lib", "/var/a", "/var/b", "/var/d"]);
  });
});
