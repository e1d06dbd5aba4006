// Roots on disk that outlive their build. What steps have done to one is undone, and the next build that starts from the
// same layers goes on with it: a root that was only touched in places is not written again. It is kept under a name that
// says what it is made of; nobody else writes below the store.
import { createHash } from "node:crypto";
import { readdir, rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { bootId } from "../../base/boot-id.ts";
import { type ByteString, compareByteStrings } from "../../base/bytes/index.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { type DirectoryInode, lookup, walk } from "../../tree/index.ts";
import type { TouchedPaths } from "./layer-update.ts";
import { parentsOf } from "./normalise.ts";
import type { Root } from "./root.ts";
import type { Snapshot, SnapshotChanges } from "./snapshot.ts";

const PREFIX = "kept-";
/** Of the least recently used ones the rest goes: each takes as much room as its image. */
const MAX_KEPT = 3;

/** Nothing is synced: what a crash may have torn has the name of another boot. */
export function keptName(root: Root): string {
  const layers = root.layers.map(({ diffId }) => diffId);
  const facts = JSON.stringify([bootId(), process.getuid?.() ?? 0, layers]);
  return `${PREFIX}${createHash("sha256").update(facts).digest("hex").slice(0, 32)}`;
}

/** True when it was there and is `place` now: nobody else gets it. */
export async function takeKept(parent: string, name: string, place: string): Promise<boolean> {
  try {
    await touch(join(parent, name));
    await rename(join(parent, name), place);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** False when there is one already. `remove` takes those away that are too many. */
export async function keep(
  parent: string,
  place: string,
  name: string,
  remove: (place: string) => Promise<void>,
): Promise<boolean> {
  try {
    await touch(place);
    await rename(place, join(parent, name));
  } catch (error) {
    if (["EEXIST", "ENOTEMPTY"].includes(systemErrorCode(error) ?? "")) return false;
    throw error;
  }
  for (const old of (await keptRoots(parent)).slice(MAX_KEPT)) {
    const aside = `${place}-old`;
    if (await takeKept(parent, old, aside)) await remove(aside);
  }
  return true;
}

/** Of now: what has no owner for a moment must not look forgotten. */
async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/** Names, the one that was used last first. */
export async function keptRoots(parent: string): Promise<readonly string[]> {
  const found: { readonly name: string; readonly usedMs: number }[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const { mtimeMs } = (name.startsWith(PREFIX) && (await stat(join(parent, name)).catch(() => undefined))) || {};
    if (mtimeMs !== undefined) found.push({ name, usedMs: mtimeMs });
  }
  return found.sort((a, b) => b.usedMs - a.usedMs).map(({ name }) => name);
}

/** What has to be done to make a directory that was `tree` just that again; `now` is after the changes. */
export function undone(tree: DirectoryInode, { candidates, gone }: SnapshotChanges, now: Snapshot): TouchedPaths {
  const hidden = candidates.filter((path) => {
    const inode = lookup(tree, path);
    return inode === undefined || (inode.type === "directory") !== (now.get(path)?.type === "d");
  });
  const written = new Set<ByteString>();
  for (const path of [...candidates, ...gone]) {
    // Their times have changed, or will.
    for (const parent of parentsOf(path)) written.add(parent);
    written.add(path);
  }
  // What was removed, and directories that became something else, are written with all below them.
  for (const path of [...gone, ...hidden]) {
    const inode = lookup(tree, path);
    if (inode?.type === "directory") for (const entry of walk(inode, path)) written.add(entry.path);
  }
  return { hidden, written: [...written].sort(compareByteStrings) };
}
