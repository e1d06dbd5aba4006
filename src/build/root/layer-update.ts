// What a layer means for a directory that has the layers below it: which paths have to go, and which are to be written.
import { type ByteString, compareByteStrings } from "../../base/bytes/index.ts";
import {
  baseName,
  type DirectoryInode,
  type LayerEntry,
  lookup,
  lookupDirectory,
  OPAQUE_WHITEOUT,
  walk,
  WHITEOUT_PREFIX,
} from "../../tree/index.ts";
import { parentsOf } from "./normalise.ts";

export interface TouchedPaths {
  readonly hidden: readonly ByteString[];
  /** Parents first; the layer's parents are among them, their times have changed meanwhile. */
  readonly written: readonly ByteString[];
}

export function touchedPaths(
  entries: Iterable<LayerEntry>,
  before: DirectoryInode,
  after: DirectoryInode,
): TouchedPaths {
  const hidden = new Set<ByteString>();
  const written = new Set<ByteString>();
  for (const { path } of entries) {
    const parents = parentsOf(path);
    const parent = parents.at(-1) ?? "";
    for (const each of parents) written.add(each);
    const name = baseName(path);
    if (!name.startsWith(WHITEOUT_PREFIX)) {
      written.add(path);
      continue;
    }
    const prefix = parent === "" ? "" : `${parent}/`;
    const names =
      name === OPAQUE_WHITEOUT
        ? [...(lookupDirectory(before, parent)?.entries.keys() ?? [])]
        : [name.slice(WHITEOUT_PREFIX.length)];
    for (const each of names) hidden.add(`${prefix}${each}`);
  }
  // What is hidden and made again is written whole.
  for (const path of hidden) {
    const inode = lookup(after, path);
    if (inode !== undefined) for (const entry of walk(inode as DirectoryInode, path)) written.add(entry.path);
  }
  for (const path of written) {
    const [old, now] = [lookup(before, path), lookup(after, path)];
    if (old !== undefined && (old.type === "directory") !== (now?.type === "directory")) hidden.add(path);
  }
  const present = [...hidden].filter((path) => lookup(before, path) !== undefined);
  return { hidden: present.sort(compareByteStrings), written: [...written].sort(compareByteStrings) };
}
