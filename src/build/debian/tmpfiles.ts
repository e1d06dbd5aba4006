// /var of an image is empty: what packages put there becomes tmpfiles.d(5) lines, so that every machine makes it at boot.
// A directory is a `d` line, a link an `L` line, a file a `C` line with its content below /usr/share/factory.
import { type ByteString, byteStringToUtf8, printable } from "../../base/bytes/index.ts";
import { type DirectoryInode, type Inode, place, walk } from "../../tree/index.ts";

export interface Names {
  /** Name for a user id; the number where there is none. */
  readonly user: (uid: number) => string;
  readonly group: (gid: number) => string;
}

export const FACTORY = "usr/share/factory";

/**
 * Lines for everything below `directory` (a path from the root), parents first, and the files of it moved to the factory
 * of `root`. `covered` has the absolute paths that other lines make already. Devices and the like are left out.
 */
export function moveToTmpfiles(
  root: DirectoryInode,
  directory: DirectoryInode,
  path: ByteString,
  covered: ReadonlySet<string>,
  names: Names,
): string[] {
  const lines: string[] = [];
  for (const { path: below, inode } of walk(directory)) {
    if (below === "") continue;
    const full = `${path}/${below}`;
    if (inode.type === "file") place(root, `${FACTORY}/${full}`, inode);
    if (!covered.has(`/${textOf(full)}`)) lines.push(...lineFor(full, inode, names));
  }
  return lines;
}

function lineFor(path: ByteString, inode: Inode, names: Names): string[] {
  const where = escape(`/${textOf(path)}`);
  const owner = `${inode.mode.toString(8).padStart(4, "0")} ${names.user(inode.uid)} ${names.group(inode.gid)}`;
  switch (inode.type) {
    case "directory":
      return [`d ${where} ${owner} -`];
    case "symlink":
      return [`L ${where} - - - - ${escape(textOf(inode.target))}`];
    case "file":
      return [`C ${where} ${owner} -`];
    default:
      return [];
  }
}

/** Names that are not UTF-8 cannot be in an image; what stands here then only has to be readable. */
function textOf(name: ByteString): string {
  return byteStringToUtf8(name) ?? printable(name);
}

/** Specifiers and blanks are special in tmpfiles.d. */
function escape(text: string): string {
  return text
    .replaceAll("%", "%%")
    .replace(/[^\u0021-\u{10ffff}]|[\\"']/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Line types that make the path they name. */
const MAKES = /^[dDvqQfFLpCcb][+!\-=~^$?]*$/;

/** Absolute paths that a tmpfiles.d file makes. */
export function madeBy(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [type = "", path = ""] = line.trim().split(/\s+/);
    return MAKES.test(type) && path.startsWith("/") ? [path.replace(/\/+$/, "")] : [];
  });
}

/** Names from passwd(5) and group(5), which share their first three fields. */
export function namesFrom(passwd: string, group: string): Names {
  const users = idMap(passwd);
  const groups = idMap(group);
  return { user: (uid) => users.get(uid) ?? String(uid), group: (gid) => groups.get(gid) ?? String(gid) };
}

function idMap(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (name !== undefined && id !== undefined && /^\d+$/.test(id) && !names.has(Number(id)))
      names.set(Number(id), name);
  }
  return names;
}
