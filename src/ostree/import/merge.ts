// Layers on top of each other the way ostree checks them out (docs/formats/ostree.md). Not the OCI rules:
// a directory that exists already keeps the owner, mode and xattrs of the earlier layer.
import { type ByteString, printable } from "../../base/bytes/index.ts";
import { type DirectoryInode, type Inode, lookupDirectory, sortedEntries } from "../../tree/index.ts";
import { OstreeError } from "../errors.ts";

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/**
 * The tree of `below` with `layer` checked out over it. Neither is changed; directories that come out equal are taken
 * over as they are, so that what was stored for them once serves again. Throws BAD_LAYER for an empty whiteout.
 */
export function mergeLayer(below: DirectoryInode | undefined, layer: DirectoryInode): DirectoryInode {
  const kept = layer.entries.get(OPAQUE)?.type === "file" ? undefined : below;
  const entries = new Map<ByteString, Inode>(kept?.entries);
  const children = sortedEntries(layer);
  let isPlain = below === undefined;
  // First all files in name order, then the directories: a file before ".wh." in that order is removed by its whiteout.
  for (const [name, inode] of children) {
    if (inode.type === "directory") continue;
    if (inode.type === "file" && name.startsWith(WHITEOUT)) {
      entries.delete(whiteoutTarget(name));
      isPlain = false;
    } else {
      entries.set(name, inode);
    }
  }
  for (const [name, inode] of children) {
    if (inode.type !== "directory") continue;
    const existing = entries.get(name);
    const merged = mergeLayer(existing?.type === "directory" ? existing : undefined, inode);
    if (merged !== inode) isPlain = false;
    entries.set(name, merged);
  }
  return isPlain ? layer : { ...(kept ?? layer), entries };
}

function whiteoutTarget(name: ByteString): ByteString {
  const target = name.slice(WHITEOUT.length);
  if (target === "") throw new OstreeError("BAD_LAYER", `cannot apply whiteout "${printable(name)}": it names nothing`);
  return target;
}

/** Container engines leave empty placeholders of these two in an image; ostree-ext drops them. */
export function dropPlaceholders(root: DirectoryInode): DirectoryInode {
  const etc = lookupDirectory(root, "usr/etc");
  const usr = lookupDirectory(root, "usr");
  if (etc === undefined || usr === undefined) return root;
  const entries = new Map(etc.entries);
  for (const name of ["hostname", "resolv.conf"]) {
    const inode = entries.get(name);
    if (inode?.type === "file" && inode.content.sizeBytes === 0) entries.delete(name);
  }
  const newUsr = { ...usr, entries: new Map(usr.entries).set("etc", { ...etc, entries }) };
  return { ...root, entries: new Map(root.entries).set("usr", newUsr) };
}
