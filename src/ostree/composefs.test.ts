// test/vectors/ostree/composefs: images by ostree 2026.4 with libcomposefs 1.0.8, and digests of its edge-case tree.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { hex, utf8, utf8ToByteString } from "../base/bytes/index.ts";
import { type Content, contentOf } from "../base/io/index.ts";
import { filterBit } from "../formats/erofs/index.ts";
import { directory, type DirectoryInode, file, type Metadata, place, symlink, type Xattr } from "../tree/index.ts";
import { commitTree } from "./commit-tree.ts";
import { composefsImage } from "./composefs.ts";
import { fsVerityDigest } from "./fs-verity.ts";
import { ObjectSet } from "./object-set.ts";

const vector = (name: string): string => readFileSync(`test/vectors/ostree/composefs/${name}`, "utf8");
const image = (name: string): Buffer => gunzipSync(Buffer.from(vector(`${name}.cfs.gz.b64`), "base64"));
const digest = async (bytes: Uint8Array): Promise<string> => hex(await fsVerityDigest(contentOf(bytes)));

function smallSystem(): DirectoryInode {
  const root = directory();
  const folders = [
    "usr/bin",
    "usr/lib/modules/6.1",
    "usr/etc/sub",
    "usr/lib/ostree",
    "usr/lib/tmpfiles.d",
    "boot",
    "dev",
    "proc",
    "run",
    "sys",
  ];
  for (const path of [...folders, "var", "sysroot"]) place(root, path, directory());
  place(root, "tmp", directory({ mode: 0o1777 }));
  const text = (path: string, content: string, mode = 0o644): void =>
    place(root, path, file(contentOf(utf8(content)), { mode }));
  text("usr/lib/modules/6.1/vmlinuz", "fake kernel\n");
  text("usr/lib/modules/6.1/initramfs.img", "fake initramfs\n");
  text("usr/lib/os-release", 'NAME=Vec\nID=vecos\nPRETTY_NAME="Vec OS 1"\n');
  text("usr/bin/app", "version 1\n", 0o755);
  text("usr/etc/conf", "default-1\n");
  text("usr/etc/same", "same\n");
  text("usr/etc/removed-by-admin", "gone\n");
  text("usr/etc/sub/x", "x\n");
  text("var/seedfile", "seed\n");
  const links = {
    "usr/etc/os-release": "../usr/lib/os-release",
    ostree: "sysroot/ostree",
    bin: "usr/bin",
    lib: "usr/lib",
    home: "var/home",
  };
  for (const [path, target] of Object.entries(links)) place(root, path, symlink(target));
  return root;
}

/** The tree of edge.sh: xattrs shared and not, ACL, links up to 4,063 bytes, large directories, large ids, holes. */
function edgeTree(): DirectoryInode {
  const root = directory({ xattrs: [label("root_t")] });
  const add = (path: string, content: Content, metadata: Partial<Metadata> = {}): void =>
    place(root, path, file(content, metadata));
  place(root, "usr", directory({ xattrs: [label("usr_t")] }));
  place(root, "usr/d1", directory({ xattrs: [label("usr_t"), { name: "trusted.overlay.opaque", value: utf8("y") }] }));
  for (let n = 1; n <= 40; n++) {
    const special = EDGE_XATTRS[n] ?? [];
    const owner = n === 8 ? { uid: 100000, gid: 200000 } : n === 9 ? { uid: 65535, gid: 65535 } : {};
    const xattrs = [label("usr_t"), ...special].sort((a, b) => (a.name < b.name ? -1 : 1));
    // Setting an ACL changes the mode.
    add(`usr/d1/f${n}`, contentOf(utf8(`${n}\n`)), { mode: n === 10 ? 0o750 : 0o644, ...owner, xattrs });
  }
  for (const n of [1, 10, 100, 1000, 2000, 3000, 3900, 3960, 3990, 4000, 4020, 4030, 4040, 4050, 4060, 4063]) {
    place(root, `usr/l${n}`, symlink("L".repeat(n)));
  }
  place(root, "usr/longnames", directory({ uid: 65536, gid: 1 }));
  for (let n = 1; n <= 300; n++)
    add(`usr/longnames/n${String(n).padStart(3, "0")}${"x".repeat(200)}`, contentOf(new Uint8Array()));
  for (const size of [1, 4095, 4096, 4097, 8192, 65536, 1048577, 16777216])
    add(`usr/s${size}`, contentOf(new Uint8Array(size)));
  // Known, because hashing five GiB takes seconds.
  const sparse = {
    ...file({ sizeBytes: 5 * 1024 ** 3, extents: [] }),
    ostreeChecksum: "d7a270219344f375be562f3463a71fdf053ef0820176663555c029ba26c954cc",
  };
  place(root, "usr/s5G", sparse);
  for (const path of ["usr/00", "usr/ff", "00"]) place(root, path, directory());
  add("00/x", contentOf(utf8("x\n")));
  add(utf8ToByteString("usr/ünïcode/ñ"), contentOf(utf8("u\n")));
  return root;
}

function label(type: string): Xattr {
  return { name: "security.selinux", value: utf8(`system_u:object_r:${type}:s0`) };
}

const ACL = [
  [1, 7, 0xffffffff],
  [2, 4, 1000],
  [4, 5, 0xffffffff],
  [0x10, 5, 0xffffffff],
  [0x20, 0, 0xffffffff],
];

function aclBytes(): Uint8Array {
  const bytes = Buffer.alloc(4 + 8 * ACL.length);
  bytes.writeUInt32LE(2);
  for (const [index, [tag = 0, permissions = 0, id = 0]] of ACL.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * index);
    bytes.writeUInt16LE(permissions, 6 + 8 * index);
    bytes.writeUInt32LE(id, 8 + 8 * index);
  }
  return bytes;
}

/** The script sets user.empty on f5 as well: ostree leaves out attributes without a value when it reads a folder. */
const EDGE_XATTRS: Readonly<Record<number, readonly Xattr[]>> = {
  1: [{ name: "user.only", value: utf8("abc") }],
  2: [{ name: "user.a", value: utf8("same") }],
  3: [{ name: "user.a", value: utf8("same") }],
  4: [{ name: "trusted.overlay.redirect", value: utf8("zz") }],
  6: [{ name: "user.x", value: utf8("q".repeat(1500)) }],
  7: [{ name: "user.x", value: utf8("r".repeat(2000)) }],
  10: [{ name: "system.posix_acl_access", value: aclBytes() }],
};

describe("composefs images", () => {
  it("of a small system are libcomposefs's, byte for byte", async () => {
    const tree = smallSystem();
    expect(Buffer.compare(await composefsImage(tree, { verity: false }), image("vecos-noverity"))).toBe(0);
    const verity = await composefsImage(tree, { verity: true });
    expect(Buffer.compare(verity, image("vecos-verity"))).toBe(0);
    expect(await digest(verity)).toBe("603f6cd43ee09901430e8b5823a6f7e34c2a8b54a80dcb7ddadc346d909fac04");
  });

  it("of the edge-case tree have libcomposefs's digests", async () => {
    const objects = new ObjectSet();
    const { checksum, tree } = await commitTree(objects, edgeTree(), { subject: "e", timestampSeconds: 0 });
    expect(checksum).toBe("0c6654108816299051c24418b2b731f744888b13c29c85fc122701ff502f5380");
    const plain = await composefsImage(tree, { verity: false });
    expect([plain.length, await digest(plain)]).toEqual([
      167936,
      "40c8a23b320493cc56311e6ed8a98584fc69e0527735b8365828c02951880384",
    ]);
    const verity = await composefsImage(tree, { verity: true });
    expect([verity.length, await digest(verity)]).toEqual([
      172032,
      "2bcb99fcb4396f732d9faf91159e264a37f7f19a657d98c0dc8e8c20353080cb",
    ]);
  });

  it("refuse a link that fills a block", async () => {
    const tree = directory({}, [["l", symlink("L".repeat(4064))]]);
    await expect(composefsImage(tree, { verity: false })).rejects.toThrow(/must fit one block/);
  });
});

describe("fs-verity digests", () => {
  const lines = vector("fsverity-digests.txt").trim().split("\n");
  const sizes = lines.map((line) => /^(\d+) bytes of 0x61: sha256:(\w+)$/.exec(line)?.slice(1) ?? []);
  it.each(sizes)("of %s bytes", async (size, wanted) => {
    expect(await digest(Buffer.alloc(Number(size), 0x61))).toBe(wanted);
  });

  it("see a hole as the zeros that it reads as", async () => {
    const bytes = Buffer.alloc(700_000);
    bytes.fill(1, 300_000, 310_000);
    const source = contentOf(bytes).extents[0]?.source;
    if (source === undefined) throw new Error("no extent");
    const sparse = {
      sizeBytes: bytes.length,
      extents: [{ at: 300_000, length: 10_000, source, sourceOffset: 300_000 }],
    };
    expect(hex(await fsVerityDigest(sparse))).toBe(await digest(bytes));
  });
});

describe("the xattr name filter", () => {
  const PREFIXES: Readonly<Record<string, string>> = {
    1: "user.",
    2: "system.posix_acl_access",
    3: "system.posix_acl_default",
    4: "trusted.",
    6: "security.",
  };
  const lines = vector("xattr-filter-bits.txt").trim().split("\n");
  it.each(lines)("%s", (line) => {
    const [, index = "", suffix = "", bit] = /^index=(\d) suffix="(.*)" xxh32=\w+ bit=(\d+)$/.exec(line) ?? [];
    expect(filterBit(`${PREFIXES[index] ?? ""}${suffix}`)).toBe(Number(bit));
  });
});
