// What turns one tree into another, as the entries of a layer (image-spec layer.md, "Representing Changes"): explicit
// whiteouts for what went, an entry for what is new or different. A file with several names is written once, with the
// other names as hard links to the first, as soon as any of them is new or different: a layer never links to a file of
// another one. Refused: names that a layer would take for whiteouts. Sockets are left out: a tar has none.
import { type ByteString, compareByteStrings, equalBytes, printable } from "../base/bytes/index.ts";
import { type Content, EMPTY_CONTENT, FileSource, type Source } from "../base/io/index.ts";
import type { DirectoryInode, Inode, Metadata, Xattr } from "./inode.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { WHITEOUT_PREFIX } from "./merge-layers.ts";
import { baseName, lookup, type TreeEntry, TreeError, walk } from "./path.ts";

/** Sorted by path. Contents are the same when they are the same bytes of the same files or sources. Throws TreeError. */
export function diffTrees(before: DirectoryInode, after: DirectoryInode): LayerEntry[] {
  return diffPaths(before, walk(after), missing(before, after, ""));
}

/**
 * The same when only some paths can have changed: `present` are those that there are, with all names of each file among
 * them, `gone` those that went (not what was below them).
 */
export function diffPaths(
  before: DirectoryInode,
  present: Iterable<TreeEntry>,
  gone: Iterable<ByteString>,
): LayerEntry[] {
  const entries: LayerEntry[] = [];
  const names = new Map<Inode, ByteString[]>();
  // In this order, so that the names that keep their old file are the same ones every time.
  for (const { path, inode } of [...present].sort((a, b) => compareByteStrings(a.path, b.path))) {
    if (inode.type === "socket") continue;
    refuseWhiteoutName(path);
    if (inode.type !== "directory") {
      const known = names.get(inode);
      if (known === undefined) names.set(inode, [path]);
      else known.push(path);
      continue;
    }
    const old = lookup(before, path);
    if (old?.type !== "directory" || !sameMetadata(old, inode)) entries.push(entryOf(path, inode));
  }
  const claimed = new Set<Inode>();
  for (const [inode, paths] of names) {
    const old = lookup(before, paths[0] as ByteString);
    const isSame =
      old !== undefined &&
      !claimed.has(old) &&
      sameInode(old, inode) &&
      paths.every((path) => lookup(before, path) === old);
    if (isSame) claimed.add(old);
    else entries.push(...linkedEntries(inode, paths));
  }
  for (const path of gone) entries.push(whiteout(path));
  return entries.sort((a, b) => compareByteStrings(a.path, b.path));
}

/** An inode as an entry of a layer, under one of its names. Throws TreeError UNSUPPORTED for sockets. */
export function entryOf(path: ByteString, inode: Inode): LayerEntry {
  const { mode, uid, gid, mtimeSeconds, xattrs } = inode;
  const plain = { path, mode, uid, gid, mtimeSeconds, xattrs, target: "", content: EMPTY_CONTENT, major: 0, minor: 0 };
  switch (inode.type) {
    case "file":
      return { ...plain, type: "file", content: inode.content };
    case "symlink":
      return { ...plain, type: "symlink", target: inode.target };
    case "character":
    case "block":
      return { ...plain, type: inode.type, major: inode.major, minor: inode.minor };
    case "socket":
      throw new TreeError("UNSUPPORTED", `cannot put "${printable(path)}" into a layer: it is a socket`);
    default:
      return { ...plain, type: inode.type };
  }
}

/** The entry that hides a path of the layers below. */
export function whiteout(path: ByteString): LayerEntry {
  const slash = path.lastIndexOf("/") + 1;
  const hidden = `${path.slice(0, slash)}${WHITEOUT_PREFIX}${path.slice(slash)}`;
  return { ...WHITEOUT, path: hidden };
}

const WHITEOUT: Omit<LayerEntry, "path"> = {
  type: "file",
  // As the storage library of podman writes them.
  mode: 0o600,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  xattrs: [],
  target: "",
  content: EMPTY_CONTENT,
  major: 0,
  minor: 0,
};

function linkedEntries(inode: Inode, paths: readonly ByteString[]): LayerEntry[] {
  const [first, ...others] = paths.toSorted(compareByteStrings) as [ByteString, ...ByteString[]];
  const entry = entryOf(first, inode);
  return [
    entry,
    ...others.map((path): LayerEntry => ({
      ...entry,
      type: "hardlink",
      path,
      target: first,
      content: EMPTY_CONTENT,
      xattrs: [],
    })),
  ];
}

/** Topmost paths of `before` that `after` does not have, and no file has taken the place of their parents. */
function* missing(before: DirectoryInode, after: DirectoryInode, prefix: ByteString): Generator<ByteString> {
  for (const [name, old] of before.entries) {
    const now = after.entries.get(name);
    if (now === undefined || now.type === "socket") yield `${prefix}${name}`;
    else if (old.type === "directory" && now.type === "directory") yield* missing(old, now, `${prefix}${name}/`);
  }
}

function refuseWhiteoutName(path: ByteString): void {
  if (!baseName(path).startsWith(WHITEOUT_PREFIX)) return;
  throw new TreeError(
    "UNSUPPORTED",
    `cannot put "${printable(path)}" into a layer: names that begin with "${WHITEOUT_PREFIX}" mean deleted files there`,
    { hint: "Choose another name for this file" },
  );
}

function sameInode(a: Inode, b: Inode): boolean {
  if (!sameMetadata(a, b)) return false;
  switch (a.type) {
    case "file":
      return b.type === "file" && sameContent(a.content, b.content);
    case "symlink":
      return b.type === "symlink" && a.target === b.target;
    case "character":
    case "block":
      return b.type === a.type && a.major === b.major && a.minor === b.minor;
    default:
      return a.type === b.type;
  }
}

function sameMetadata(a: Metadata, b: Metadata): boolean {
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtimeSeconds === b.mtimeSeconds &&
    sameXattrs(a.xattrs, b.xattrs)
  );
}

function sameXattrs(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  return (
    a.length === b.length &&
    a.every((xattr, index) => {
      const other = b[index] as Xattr;
      return xattr.name === other.name && equalBytes(xattr.value, other.value);
    })
  );
}

function sameContent(a: Content, b: Content): boolean {
  return (
    a === b ||
    (a.sizeBytes === b.sizeBytes &&
      a.extents.length === b.extents.length &&
      a.extents.every((extent, index) => {
        const other = b.extents[index];
        return (
          other !== undefined &&
          sameSource(extent.source, other.source) &&
          extent.sourceOffset === other.sourceOffset &&
          extent.at === other.at &&
          extent.length === other.length
        );
      }))
  );
}

/** A file that was opened twice is one: what trees refer to does not change under its name. */
function sameSource(a: Source, b: Source): boolean {
  return a === b || (a instanceof FileSource && b instanceof FileSource && a.path === b.path);
}
