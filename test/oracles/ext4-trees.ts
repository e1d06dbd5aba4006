/** Trees that ext4's oracles share: every kind of inode at the interesting sizes, and random ones. */
import fc from "fast-check";
import { utf8ToByteString } from "../../src/base/bytes/index.ts";
import { type Content, contentFrom, contentOf, type Extent, type Source } from "../../src/base/io/index.ts";
import {
  directory,
  type DirectoryInode,
  file,
  type Inode,
  type Metadata,
  symlink,
  type Xattr,
} from "../../src/tree/index.ts";

/** Bytes that tell their offset, so that a block in the wrong place shows. */
export const PATTERN: Source = {
  sizeBytes: 2 ** 40,
  read(offset, target) {
    for (let index = 0; index < target.length; index++) {
      const at = offset + index;
      target[index] = (at + Math.floor(at / 251) * 7 + Math.floor(at / 4096) * 13 + 1) % 256;
    }
    return Promise.resolve();
  },
};

let patternAt = 0;

export function patternContent(length: number): Content {
  const content = contentFrom(PATTERN, patternAt, length);
  patternAt += length + 100;
  return content;
}

/** Data pieces `[at, length]` in a file of `sizeBytes`. */
export function sparseContent(sizeBytes: number, pieces: readonly (readonly [number, number])[]): Content {
  const extents: Extent[] = pieces.map(([at, length]) => ({ at, length, source: PATTERN, sourceOffset: at + 17 }));
  return { sizeBytes, extents };
}

const bytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_each, index) => (index * 31 + length) % 256);

/** A list of version 2: tag, permissions, id. */
export function acl(entries: readonly (readonly [number, number, number])[]): Uint8Array {
  const value = new Uint8Array(4 + entries.length * 8);
  const view = new DataView(value.buffer);
  view.setUint32(0, 2, true);
  entries.forEach(([tag, permissions, id], index) => {
    view.setUint16(4 + index * 8, tag, true);
    view.setUint16(6 + index * 8, permissions, true);
    view.setUint32(8 + index * 8, id, true);
  });
  return value;
}

const NO_ID = 0xffffffff;
/** u::rw- u:1000:rw- g::r-- g:50:r-x m::rwx o::--- */
export const ACCESS_ACL: Uint8Array = acl([
  [0x01, 6, NO_ID],
  [0x02, 6, 1000],
  [0x04, 4, NO_ID],
  [0x08, 5, 50],
  [0x10, 7, NO_ID],
  [0x20, 0, NO_ID],
]);

const SPECIAL: Metadata = { mode: 0o640, uid: 70_000, gid: 80_000, mtimeSeconds: 5, xattrs: [] };

export function everyKind(): DirectoryInode {
  const root = directory({ mtimeSeconds: 1_700_000_000, mode: 0o755 });
  const add = (name: string, inode: Inode): void => void root.entries.set(utf8ToByteString(name), inode);
  for (const size of [0, 1, 4095, 4096, 4097, 8192, 1_048_577]) add(`size-${size}`, file(patternContent(size)));
  for (const length of [1, 58, 59, 60, 61, 300, 4095]) add(`link-${length}`, symlink("t".repeat(length)));
  for (const seconds of [0, -1, -(2 ** 31), 2 ** 31 - 1, 2 ** 31, 2 ** 32, 3 * 2 ** 32 - 2 ** 31 - 1]) {
    add(`time-${seconds}`, file(contentOf(Buffer.from("time")), { mtimeSeconds: seconds }));
  }
  add("null", { ...SPECIAL, type: "character", major: 1, minor: 3 });
  add("wide", { ...SPECIAL, type: "block", major: 259, minor: 70_000 });
  add("fifo", { ...SPECIAL, type: "fifo" });
  add("socket", { ...SPECIAL, type: "socket" });
  add("modes", file(contentOf(Buffer.from("x")), { mode: 0o7777, uid: 2 ** 32 - 2, gid: 2 ** 32 - 2 }));
  const shared = file(patternContent(10_000), { xattrs: [{ name: "user.shared", value: bytes(20) }] });
  for (const name of ["hard-a", "hard-b", "hard-c"]) add(name, shared);
  add("empty-directory", directory({ mode: 0o1777 }));
  add(
    "sparse",
    file(
      sparseContent(10_000_000, [
        [5, 3],
        [4094, 4],
        [50_000, 9000],
        [59_000, 1],
        [8_000_000, 4096],
      ]),
    ),
  );
  add("all-hole", file({ sizeBytes: 123_456_789, extents: [] }));
  // One extent in each second block: 5, 400 and 2,000 extents need trees of depth 1, 1 and 2.
  for (const count of [4, 5, 400, 2000]) {
    const pieces = Array.from({ length: count }, (_each, index) => [index * 8192 + 100, 200] as const);
    add(`fragments-${count}`, file(sparseContent(count * 8192, pieces)));
  }
  add(
    "names",
    directory({}, [
      ["n".repeat(255), directory({}, [["\xff".repeat(255), file(patternContent(5))]])],
      ["a\nb\\c", file(patternContent(6))],
    ]),
  );
  add("attributes", attributes());
  add(
    "hundreds",
    directory(
      {},
      Array.from(
        { length: 900 },
        (_each, index) => [`entry-${index}`, index % 9 === 0 ? directory() : file(patternContent(index))] as const,
      ),
    ),
  );
  return root;
}

function attributes(): DirectoryInode {
  const folder = directory({ xattrs: [{ name: "system.posix_acl_default", value: ACCESS_ACL }] });
  const add = (name: string, xattrs: readonly Xattr[], more: Partial<Metadata> = {}): void =>
    void folder.entries.set(name, file(contentOf(Buffer.from(name)), { xattrs, ...more }));
  for (const length of [0, 1, 30, 60, 64, 65, 68, 69, 100, 1000, 4000, 4036])
    add(`value-${length}`, [{ name: "user.v", value: bytes(length) }]);
  add("capability", [
    { name: "security.capability", value: Buffer.from("0100000200200000000000000000000000000000", "hex") },
  ]);
  add("label", [{ name: "security.selinux", value: Buffer.from("system_u:object_r:etc_t:s0\0") }]);
  // With an ACL the group bits of the mode are its mask.
  add("acl", [{ name: "system.posix_acl_access", value: ACCESS_ACL }], { mode: 0o670 });
  add(
    "many",
    Array.from({ length: 40 }, (_each, index) => ({
      name: `user.name-${String(index).padStart(3, "0")}`,
      value: bytes(index),
    })),
  );
  add("kinds", [
    { name: "security.selinux", value: Buffer.from("label\0") },
    { name: "trusted.overlay.opaque", value: Buffer.from("y") },
    { name: "user.\xe4\xff", value: bytes(90) },
    { name: `user.${"l".repeat(250)}`, value: bytes(7) },
  ]);
  for (let index = 0; index < 5; index++) add(`same-${index}`, [{ name: "user.same", value: bytes(500) }]);
  folder.entries.set("link", symlink("short", { xattrs: [{ name: "trusted.large", value: bytes(300) }] }));
  folder.entries.set("directory", directory({ xattrs: [{ name: "user.d", value: bytes(200) }] }));
  return folder;
}

const name = fc
  .oneof(
    fc.string({
      unit: fc
        .integer({ min: 1, max: 255 })
        .filter((code) => code !== 47)
        .map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 255,
    }),
    fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 6 }),
  )
  .filter((each) => each !== "." && each !== ".." && each !== "lost+found");

const metadata: fc.Arbitrary<Partial<Metadata>> = fc.record({
  mode: fc.integer({ min: 0o600, max: 0o7777 }).map((mode) => mode | 0o600),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  mtimeSeconds: fc.integer({ min: -(2 ** 31), max: 3 * 2 ** 32 - 2 ** 31 - 1 }),
});

const xattrs: fc.Arbitrary<Xattr[]> = fc
  .uniqueArray(
    fc.record({
      name: fc
        .tuple(fc.constantFrom("user.", "trusted."), fc.stringMatching(/^[a-z]{1,40}$/))
        .map(([prefix, rest]) => prefix + rest),
      value: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    }),
    { maxLength: 6, selector: (xattr) => xattr.name },
  )
  .map((list) => list.sort((a, b) => (a.name < b.name ? -1 : 1)));

const content: fc.Arbitrary<Content> = fc
  .array(fc.tuple(fc.nat({ max: 20_000 }), fc.integer({ min: 1, max: 20_000 })), { maxLength: 12 })
  .chain((steps) =>
    fc.nat({ max: 30_000 }).map((tail) => {
      const pieces: [number, number][] = [];
      let at = 0;
      for (const [gap, length] of steps) {
        pieces.push([at + gap, length]);
        at += gap + length;
      }
      return sparseContent(at + tail, pieces);
    }),
  );

const leaf: fc.Arbitrary<Inode> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(content, metadata, xattrs).map(([data, meta, attrs]) => file(data, { ...meta, xattrs: attrs })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 400 }), metadata)
      .map(([length, meta]) => symlink("l".repeat(length), { ...meta, mode: 0o777 })),
  },
  { weight: 1, arbitrary: metadata.map((meta): Inode => ({ ...SPECIAL, ...meta, type: "fifo" })) },
);

/** A directory with up to 300 names a level; some files get a second name. */
export const randomTree: fc.Arbitrary<DirectoryInode> = fc.letrec<{ node: Inode; folder: DirectoryInode }>((tie) => ({
  node: fc.oneof({ maxDepth: 4, depthSize: "small" }, leaf, tie("folder")),
  folder: fc
    .tuple(
      fc.uniqueArray(fc.tuple(name, tie("node")), { maxLength: 60, selector: ([each]) => each }),
      metadata,
      xattrs,
      fc.array(name, { maxLength: 5 }),
      fc.nat({ max: 300 }),
    )
    .map(([entries, meta, attrs, seconds, extra]) => {
      const folder = directory({ ...meta, xattrs: attrs }, entries);
      const linkable = entries.map(([, inode]) => inode).filter((inode) => inode.type !== "directory");
      seconds.forEach((each, index) => {
        const target = linkable[index];
        if (target !== undefined && !folder.entries.has(each)) folder.entries.set(each, target);
      });
      if (extra > 200)
        for (let index = 0; index < extra; index++)
          folder.entries.set(`extra-${index}`.padEnd(index % 200, "p"), file(contentOf(Buffer.from("e"))));
      return folder;
    }),
})).folder;
