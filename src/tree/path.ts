// Paths in a Tree: byte strings relative to the root, joined by "/", without a leading slash; "" is the root.
// Lookups here never follow symbolic links unless the function says so.
import { type ByteString, printable } from "../base/bytes/index.ts";
import { SlipwayError } from "../base/errors.ts";
import { directory, type DirectoryInode, type Inode, type Metadata, sortedEntries } from "./inode.ts";

export class TreeError extends SlipwayError<
  "NOT_FOUND" | "NOT_A_DIRECTORY" | "BAD_PATH" | "LIMIT" | "LOOP" | "UNSUPPORTED"
> {}

/** The names of a path. Empty and "." components vanish; ".." and NUL are BAD_PATH. */
export function splitPath(path: ByteString): ByteString[] {
  const names: ByteString[] = [];
  let isBad = path.includes("\0");
  for (let start = 0; start < path.length;) {
    const slash = path.indexOf("/", start);
    const end = slash === -1 ? path.length : slash;
    const name = path.slice(start, end);
    if (name === "..") isBad = true;
    if (name !== "" && name !== ".") names.push(name);
    start = end + 1;
  }
  if (isBad) {
    throw new TreeError("BAD_PATH", `cannot use path "${printable(path)}": it has ".." or a NUL byte`);
  }
  return names;
}

/** All but the last name; "" for a single name and for the root. */
export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The last name. */
export function baseName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The inode at a path, or undefined. Symbolic links are not followed. */
export function lookup(root: DirectoryInode, path: ByteString): Inode | undefined {
  let inode: Inode | undefined = root;
  for (const name of splitPath(path)) {
    if (inode?.type !== "directory") return undefined;
    inode = inode.entries.get(name);
  }
  return inode;
}

export function lookupDirectory(root: DirectoryInode, path: ByteString): DirectoryInode | undefined {
  const inode = lookup(root, path);
  return inode?.type === "directory" ? inode : undefined;
}

const MAX_SYMLINKS = 40;

/** The inode at a path with symbolic links followed inside the tree (absolute targets start at the root). */
export function resolve(root: DirectoryInode, path: ByteString): Inode | undefined {
  let pending = path.split("/").filter((name) => name !== "" && name !== ".");
  let trail: DirectoryInode[] = [root];
  let followed = 0;
  let current: Inode | undefined = root;
  while (pending.length > 0) {
    const [name, ...rest] = pending as [ByteString, ...ByteString[]];
    pending = rest;
    if (name === "..") {
      if (trail.length > 1) trail = trail.slice(0, -1);
      current = trail.at(-1);
      continue;
    }
    const parent = trail.at(-1);
    current = current?.type === "directory" ? parent?.entries.get(name) : undefined;
    if (current === undefined) return undefined;
    if (current.type === "symlink") {
      if (++followed > MAX_SYMLINKS) return undefined;
      if (current.target.startsWith("/")) trail = [root];
      pending = [...current.target.split("/").filter((part) => part !== "" && part !== "."), ...pending];
      current = trail.at(-1);
    } else if (current.type === "directory") {
      trail = [...trail, current];
    }
  }
  return current;
}

/** The directory at a path; missing ones are made with `metadata`. NOT_A_DIRECTORY when something else is in the way. */
export function ensureDirectory(
  root: DirectoryInode,
  path: ByteString,
  metadata: Partial<Metadata> = {},
): DirectoryInode {
  let current = root;
  for (const name of splitPath(path)) {
    let next = current.entries.get(name);
    if (next === undefined) {
      next = directory(metadata);
      current.entries.set(name, next);
    }
    if (next.type !== "directory") {
      throw new TreeError(
        "NOT_A_DIRECTORY",
        `cannot make directory "${printable(path)}": "${printable(name)}" is a ${next.type}`,
      );
    }
    current = next;
  }
  return current;
}

/** Puts an inode at a path; missing parents are made (0755, root's). An existing entry is replaced. */
export function place(root: DirectoryInode, path: ByteString, inode: Inode): void {
  const names = splitPath(path);
  const name = names.pop();
  if (name === undefined) throw new TreeError("BAD_PATH", "cannot place an inode at the root of a tree");
  ensureDirectory(root, names.join("/")).entries.set(name, inode);
}

/** Removes what is at a path, with everything below it. True when there was something. */
export function remove(root: DirectoryInode, path: ByteString): boolean {
  const names = splitPath(path);
  const name = names.pop();
  if (name === undefined) throw new TreeError("BAD_PATH", "cannot remove the root of a tree");
  return lookupDirectory(root, names.join("/"))?.entries.delete(name) ?? false;
}

export interface TreeEntry {
  /** Path from the root; "" for the root itself. */
  readonly path: ByteString;
  readonly inode: Inode;
}

/** Every path of a tree, parents first, siblings in bytewise order. A hard link appears under each of its names. */
export function* walk(root: DirectoryInode, path: ByteString = ""): Generator<TreeEntry> {
  const stack: TreeEntry[] = [{ path, inode: root }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    yield entry;
    if (entry.inode.type !== "directory") continue;
    const children = sortedEntries(entry.inode);
    for (let index = children.length - 1; index >= 0; index--) {
      const [name, inode] = children[index] as [ByteString, Inode];
      stack.push({ path: entry.path === "" ? name : `${entry.path}/${name}`, inode });
    }
  }
}
