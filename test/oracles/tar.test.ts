// Our tars read by GNU tar and libarchive, theirs read by us.
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { byteStringToBytes, utf8ToByteString } from "../../src/base/bytes/index.ts";
import { contentOf, FileSource, readContent } from "../../src/base/io/index.ts";
import {
  directory,
  type DirectoryInode,
  file,
  type Inode,
  lookup,
  readTarTree,
  symlink,
  treeToTar,
  walk,
} from "../../src/tree/index.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

const LONG = "n".repeat(200);
const CAPABILITY = Buffer.from("0100000200200a00000000000000000000000000", "hex");

/** Everything a header block cannot say, and everything it can. */
function hardTree(): DirectoryInode {
  const text = (data: string): ReturnType<typeof contentOf> => contentOf(Buffer.from(data));
  const shared = file(text("shared"), { mode: 0o4755, uid: 3_000_000, gid: 4_000_000, mtimeSeconds: 1_700_000_000 });
  const xattrs = [
    { name: "security.capability", value: CAPABILITY },
    { name: "user.lines", value: Buffer.from("a\nb\n20 path=evil\n\xff", "latin1") },
  ];
  const inner = directory({ mode: 0o1777 }, [
    [LONG, file(text("long"), { mtimeSeconds: 1 })],
    [utf8ToByteString("café"), file(text("utf-8"))],
    ["xattrs", file(text("x"), { xattrs })],
    ["old", file(text(""), { mtimeSeconds: -1000 })],
    ["link", symlink("t".repeat(300))],
    ["second", shared],
  ]);
  return directory({ mode: 0o755 }, [
    ["a", shared],
    [LONG, inner],
    ["null", { type: "character", major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [] }],
    ["disk", { type: "block", major: 259, minor: 70_000, mode: 0o660, uid: 0, gid: 6, mtimeSeconds: 0, xattrs: [] }],
    ["pipe", { type: "fifo", mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [] }],
  ]);
}

async function writeTar(path: string, root: DirectoryInode): Promise<void> {
  await using handle = await open(path, "w");
  for await (const chunk of treeToTar(root)) await handle.write(chunk);
}

/** Compares a folder that a foreign tool has unpacked with the tree. */
async function expectUnpacked(root: DirectoryInode, folder: string): Promise<void> {
  for (const { path, inode } of walk(root)) {
    const name = Buffer.concat([Buffer.from(`${folder}/`), byteStringToBytes(path)]);
    const found = lstatSync(name);
    // Links' times are their owner's affair, and bsdtar leaves "./" the time at which it finished.
    const hasTime = inode.type !== "symlink" && path !== "";
    const { mode, uid, gid, mtimeSeconds } = inode;
    const wanted = { path, mode, uid, gid, mtime: hasTime ? mtimeSeconds : 0 };
    const mtime = hasTime ? Math.floor(found.mtimeMs / 1000) : 0;
    expect({ path, mode: found.mode % 0o10000, uid: found.uid, gid: found.gid, mtime }).toEqual(wanted);
    if (inode.type === "symlink") expect(readlinkSync(name, "latin1")).toBe(inode.target);
    if (inode.type === "file")
      expect(createHash("sha256").update(readFileSync(name)).digest("hex")).toBe(await shaOf(inode));
    if ("major" in inode) expect(found.rdev).toBe(deviceNumber(inode.major, inode.minor));
  }
  const [first, second] = [join(folder, "a"), join(folder, LONG, "second")];
  expect(lstatSync(first).ino).toBe(lstatSync(second).ino);
  const { stdout } = await run("getfattr", [
    "--absolute-names",
    "-d",
    "-m",
    "-",
    "-e",
    "hex",
    join(folder, LONG, "xattrs"),
  ]);
  expect(stdout).toContain(`security.capability=0x${CAPABILITY.toString("hex")}`);
  expect(stdout).toContain(`user.lines=0x${Buffer.from("a\nb\n20 path=evil\n\xff", "latin1").toString("hex")}`);
}

/** As the C library packs it. */
function deviceNumber(major: number, minor: number): number {
  return (minor % 256) + major * 256 + Math.floor(minor / 256) * 2 ** 20;
}

async function shaOf(inode: Inode | undefined): Promise<string> {
  if (inode?.type !== "file") return `not a file: ${inode?.type}`;
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(1 << 20);
  for (let at = 0; at < inode.content.sizeBytes; at += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, inode.content.sizeBytes - at));
    await readContent(inode.content, at, part);
    hash.update(part);
  }
  return hash.digest("hex");
}

describe("tars of ours", () => {
  const tools: readonly (readonly [tool: string, args: readonly string[]])[] = [
    ["tar", ["--xattrs", "--xattrs-include=*", "--numeric-owner", "-p", "-x", "-f"]],
    ["bsdtar", ["--xattrs", "--numeric-owner", "-p", "-x", "-f"]],
  ];
  for (const [tool, args] of tools) {
    oracle(
      [tool, "getfattr", asRoot],
      `${tool} unpacks exactly the tree`,
      async () => {
        using folder = tempDir();
        mkdirSync(folder.join("out"));
        await writeTar(folder.join("x.tar"), hardTree());
        await run(tool, [...args, folder.join("x.tar"), "-C", folder.join("out")]);
        await expectUnpacked(hardTree(), folder.join("out"));
      },
      { proves: "our tar says what other readers understand" },
    );
    oracle(
      tool,
      `${tool} lists it without a complaint`,
      async () => {
        using folder = tempDir();
        await writeTar(folder.join("x.tar"), hardTree());
        const { stdout, stderr } = await run(tool, ["--numeric-owner", "-tvf", folder.join("x.tar")]);
        expect(stderr).toBe("");
        expect(stdout.trim().split("\n").length).toBe([...walk(hardTree())].length);
      },
      { proves: "our tar is well formed" },
    );
  }
});

/** Files that every writer must carry over: sparse ones, one beyond 8 GiB, long and odd names. */
async function fillFolder(folder: string): Promise<void> {
  mkdirSync(join(folder, LONG));
  writeFileSync(join(folder, LONG, LONG), "long");
  writeFileSync(join(folder, "café"), "utf-8");
  symlinkSync("t".repeat(150), join(folder, "link"));
  await using sparse = await open(join(folder, "sparse"), "w");
  for (let index = 0; index < 50; index++) await sparse.write(Buffer.alloc(4096, 65 + index), 0, 4096, index * 40_960);
  truncateSync(join(folder, "sparse"), 50 * 40_960 + 123);
}

const WRITERS: readonly (readonly [tool: string, args: readonly string[], sparse: boolean])[] = [
  ["tar", ["--format=gnu", "--sparse"], true],
  ["tar", ["--format=gnu"], false],
  ["tar", ["--format=pax", "--sparse", "--sparse-version=0.0"], true],
  ["tar", ["--format=pax", "--sparse", "--sparse-version=0.1"], true],
  ["tar", ["--format=pax", "--sparse", "--sparse-version=1.0"], true],
  ["bsdtar", ["--format=pax", "--read-sparse"], true],
  ["bsdtar", ["--format=gnutar"], false],
];

describe("tars of others", () => {
  for (const [tool, args, isSparse] of WRITERS) {
    oracle(
      tool,
      `${tool} ${args.join(" ")}`,
      async () => {
        using folder = tempDir();
        const input = folder.join("in");
        mkdirSync(input);
        await fillFolder(input);
        if (isSparse) {
          writeFileSync(join(input, "huge"), "");
          truncateSync(join(input, "huge"), 9 * 1024 ** 3);
          await using huge = await open(join(input, "huge"), "r+");
          await huge.write(Buffer.from("end"), 0, 3, 9 * 1024 ** 3 - 3);
        }
        await run(tool, [...args, "-cf", folder.join("x.tar"), "-C", input, "."]);
        using source = FileSource.open(folder.join("x.tar"));
        const root = await readTarTree(source);
        expect([...root.entries.keys()].sort()).toEqual(readdirSync(Buffer.from(input), "latin1").sort());
        const plain = readdirSync(input).filter((name) => lstatSync(join(input, name)).isFile() && name !== "huge");
        for (const name of [...plain, `${LONG}/${LONG}`]) {
          const wanted = createHash("sha256")
            .update(readFileSync(join(input, name)))
            .digest("hex");
          expect([name, await shaOf(lookup(root, utf8ToByteString(name)))]).toEqual([name, wanted]);
        }
        if (!isSparse) return;
        const huge = root.entries.get("huge");
        if (huge?.type !== "file") throw new Error("huge is no file");
        expect(huge.content.sizeBytes).toBe(9 * 1024 ** 3);
        const end = Buffer.alloc(6);
        await readContent(huge.content, huge.content.sizeBytes - 6, end);
        expect(end.toString("latin1")).toBe("\0\0\0end");
      },
      { proves: `what ${tool} writes with ${args.join(" ")} is read` },
    );
  }
});
