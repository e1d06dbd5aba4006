// What each layer of an image does to those below it, in files: all that is no directory. Bytes are those of regular
// files; a hard link has none of its own. What a layer hides and has anew counts as removed and as added.
import type { ByteString } from "../base/bytes/index.ts";
import { directory, type DirectoryInode, type Inode } from "./inode.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { applyLayer, OPAQUE_WHITEOUT, WHITEOUT_PREFIX } from "./merge-layers.ts";
import { baseName, lookup, lookupDirectory, remove, walk } from "./path.ts";

export interface LayerChanges {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Of the files that it adds or changes. */
  readonly bytes: number;
  /** Largest first. */
  readonly largest: readonly { readonly path: ByteString; readonly sizeBytes: number }[];
}

/** For each layer, base first. Throws TreeError. */
export function describeChanges(
  layers: Iterable<readonly LayerEntry[]>,
  largestCount: number,
): readonly LayerChanges[] {
  let tree = directory();
  const found: LayerChanges[] = [];
  for (const entries of layers) {
    found.push(changesOf(tree, entries, largestCount));
    tree = applyLayer(tree, entries);
  }
  return found;
}

/** What the layer hides is gone from `lower` afterwards, as it is once the layer is applied. */
function changesOf(lower: DirectoryInode, entries: readonly LayerEntry[], largestCount: number): LayerChanges {
  const counts = { added: 0, changed: 0, removed: 0, bytes: 0 };
  const largest: { path: ByteString; sizeBytes: number }[] = [];
  for (const { path } of entries) counts.removed += hide(lower, path);
  for (const { type, path, content } of entries) {
    if (type === "directory" || baseName(path).startsWith(WHITEOUT_PREFIX)) continue;
    const before = lookup(lower, path);
    counts[before === undefined ? "added" : "changed"]++;
    if (before?.type === "directory") counts.removed += countFiles(before);
    if (type !== "file") continue;
    const { sizeBytes } = content;
    counts.bytes += sizeBytes;
    if (largest.length === largestCount && sizeBytes <= (largest.at(-1)?.sizeBytes ?? Infinity)) continue;
    largest.push({ path, sizeBytes });
    largest.sort((a, b) => b.sizeBytes - a.sizeBytes || (a.path < b.path ? -1 : 1));
    largest.length = Math.min(largest.length, largestCount);
  }
  return { ...counts, largest };
}

/** How many files a whiteout hides; 0 for any other path. */
function hide(lower: DirectoryInode, path: ByteString): number {
  const name = baseName(path);
  if (!name.startsWith(WHITEOUT_PREFIX)) return 0;
  const parent = path.slice(0, path.length - name.length);
  if (name === OPAQUE_WHITEOUT) {
    const hidden = lookupDirectory(lower, parent);
    const count = countFiles(hidden);
    hidden?.entries.clear();
    return count;
  }
  const hidden = `${parent}${name.slice(WHITEOUT_PREFIX.length)}`;
  // `.wh.`, `.wh...` and the like: refused when the layer is applied.
  if (hidden.endsWith("/") || /(^|\/)\.{0,2}$/.test(hidden)) return 0;
  const count = countFiles(lookup(lower, hidden));
  remove(lower, hidden);
  return count;
}

function countFiles(inode: Inode | undefined): number {
  if (inode === undefined) return 0;
  if (inode.type !== "directory") return 1;
  let count = 0;
  for (const { inode: each } of walk(inode)) if (each.type !== "directory") count++;
  return count;
}
