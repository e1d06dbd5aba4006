/** Compares a tree with a mounted file system: by the kernel's own lookups (every name is stat'ed) and getfattr. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, openSync, readdirSync, readlinkSync, readSync, closeSync, type BigIntStats } from "node:fs";
import { type ByteString, bytesToByteString, hex } from "../../src/base/bytes/index.ts";
import { type Content, readContent } from "../../src/base/io/index.ts";
import { type DirectoryInode, fileMode, type Inode, walk } from "../../src/tree/index.ts";

/** Link counts past this go to copies. */
const MAX_LINKS = 65_000;
const CHUNK = 1024 * 1024;
const buffer = new Uint8Array(CHUNK);

/** Every difference, at most 20; nothing when tree and mount agree. lost+found is not compared. */
export async function differences(root: DirectoryInode, mount: string): Promise<string[]> {
  const found: string[] = [];
  const names = countNames(root);
  const numbers = new Map<bigint, Inode>();
  const xattrs = mountedXattrs(mount);
  for (const { path, inode } of walk(root)) {
    if (found.length >= 20) return found;
    const note = (what: string, wanted: unknown, got: unknown): void => {
      if (String(wanted) !== String(got)) found.push(`${path}: ${what} wanted ${String(wanted)} got ${String(got)}`);
    };
    const file = Buffer.from(`${mount}/${path}`, "latin1");
    const stat = lstatSync(file, { bigint: true });
    compareStat(inode, stat, note);
    const links = names.get(inode) ?? 0;
    if (inode.type !== "directory" && links <= MAX_LINKS) note("links", links, stat.nlink);
    const other = numbers.get(stat.ino);
    if (other !== undefined && other !== inode) found.push(`${path}: shares its inode with another file`);
    numbers.set(stat.ino, inode);
    note("xattrs", wantedXattrs(inode), (xattrs.get(path) ?? []).join(" "));
    if (inode.type === "symlink")
      note("target", inode.target, bytesToByteString(readlinkSync(file, { encoding: "buffer" })));
    if (inode.type === "directory") note("names", wantedNames(inode), mountedNames(file, path === ""));
    if (inode.type === "file" && inode.content.sizeBytes <= 64 * CHUNK) {
      note("content", await contentHash(inode.content), fileHash(file));
    }
  }
  return found;
}

function countNames(root: DirectoryInode): Map<Inode, number> {
  const names = new Map<Inode, number>();
  for (const { inode } of walk(root)) names.set(inode, (names.get(inode) ?? 0) + 1);
  return names;
}

function compareStat(
  inode: Inode,
  stat: BigIntStats,
  note: (what: string, wanted: unknown, got: unknown) => void,
): void {
  note("mode", fileMode(inode).toString(8), stat.mode.toString(8));
  note("owner", `${inode.uid}:${inode.gid}`, `${stat.uid}:${stat.gid}`);
  note("mtime", BigInt(inode.mtimeSeconds) * 1_000_000_000n, stat.mtimeNs);
  if (inode.type === "file") note("size", inode.content.sizeBytes, stat.size);
  if (inode.type === "character" || inode.type === "block") {
    const major = ((stat.rdev >> 8n) & 0xfffn) | ((stat.rdev >> 32n) & ~0xfffn);
    const minor = (stat.rdev & 0xffn) | ((stat.rdev >> 12n) & ~0xffn);
    note("device", `${inode.major}:${inode.minor}`, `${major}:${minor}`);
  }
  if (inode.type === "directory") {
    const lostAndFound = stat.ino === 2n && !inode.entries.has("lost+found") ? 1 : 0;
    const links = 2 + lostAndFound + [...inode.entries.values()].filter((each) => each.type === "directory").length;
    note("links", links > MAX_LINKS ? 1 : links, stat.nlink);
  }
}

function wantedNames(inode: DirectoryInode): string {
  return [...inode.entries.keys()].sort().join("/");
}

function mountedNames(path: Buffer, isRoot: boolean): string {
  return readdirSync(path, { encoding: "buffer" })
    .map(bytesToByteString)
    .filter((name) => !isRoot || name !== "lost+found")
    .sort()
    .join("/");
}

function wantedXattrs(inode: Inode): string {
  return inode.xattrs
    .map(({ name, value }) => (value.length === 0 ? `${name}=` : `${name}=0x${hex(value)}`))
    .sort()
    .join(" ");
}

/** getfattr's dump by path; names with odd bytes come as octal escapes. */
function mountedXattrs(mount: string): Map<ByteString, string[]> {
  // Not through `run`: the dump has names that are not UTF-8.
  const stdout = execFileSync("getfattr", ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", mount], {
    encoding: "latin1",
    maxBuffer: 512 * 1024 * 1024,
  });
  const result = new Map<ByteString, string[]>();
  for (const record of stdout.split("\n\n")) {
    const [head, ...lines] = record.split("\n");
    if (head === undefined || !head.startsWith("# file: ")) continue;
    const path = unescapeOctal(head.slice("# file: ".length)).slice(mount.length + 1);
    result.set(
      path,
      lines
        .filter((line) => line !== "")
        .map(unescapeOctal)
        .map((line) => line.replace(/=(""|0x)?$/, "="))
        .sort(),
    );
  }
  return result;
}

function unescapeOctal(text: ByteString): ByteString {
  return text.replace(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

async function contentHash(content: Content): Promise<string> {
  const hash = createHash("sha256");
  for (let offset = 0; offset < content.sizeBytes; offset += CHUNK) {
    const chunk = buffer.subarray(0, Math.min(CHUNK, content.sizeBytes - offset));
    await readContent(content, offset, chunk);
    hash.update(chunk);
  }
  return hash.digest("hex");
}

function fileHash(path: Buffer): string {
  const hash = createHash("sha256");
  const fd = openSync(path, "r");
  for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) hash.update(buffer.subarray(0, got));
  closeSync(fd);
  return hash.digest("hex");
}
