// A layer's entries in the one form that equal changes have: sorted by path, each path once (the last one counts), hard
// links to the first of their names, extended attributes sorted, times not later than asked.
import { type ByteString, compareByteStrings } from "../../base/bytes/index.ts";
import { EMPTY_CONTENT } from "../../base/io/index.ts";
import { entryPath, type LayerEntry } from "../../tree/index.ts";

/** Paths sort as bytes, so parents come before children. Throws TreeError BAD_PATH. */
export function normaliseEntries(entries: Iterable<LayerEntry>, maxMtimeSeconds: number | undefined): LayerEntry[] {
  const byPath = new Map<ByteString, LayerEntry>();
  for (const entry of entries) {
    const path = entryPath(entry.path);
    byPath.set(path, {
      ...entry,
      path,
      ...(entry.type === "hardlink" ? { target: entryPath(entry.target) } : {}),
      mtimeSeconds: Math.min(entry.mtimeSeconds, maxMtimeSeconds ?? Infinity),
      xattrs: entry.xattrs.toSorted((a, b) => compareByteStrings(a.name, b.name)),
    });
  }
  relink(byPath);
  return [...byPath.values()].sort((a, b) => compareByteStrings(a.path, b.path));
}

/** The first name of a file carries it, whichever name the entries came with. Links to other layers stay as they are. */
function relink(byPath: Map<ByteString, LayerEntry>): void {
  const groups = new Map<ByteString, ByteString[]>();
  for (const entry of byPath.values()) {
    if (entry.type !== "hardlink") continue;
    const origin = originOf(entry, byPath);
    const links = groups.get(origin);
    if (links === undefined) groups.set(origin, [entry.path]);
    else links.push(entry.path);
  }
  for (const [origin, links] of groups) {
    const carrier = byPath.get(origin);
    if (carrier === undefined || carrier.type === "directory") continue;
    const [first, ...others] = [origin, ...links].sort(compareByteStrings) as [ByteString, ...ByteString[]];
    byPath.set(first, { ...carrier, path: first });
    // Readers may take a link's own metadata for the file's.
    const link = { ...carrier, type: "hardlink", target: first, content: EMPTY_CONTENT, xattrs: [] } as const;
    for (const path of others) byPath.set(path, { ...link, path });
  }
}

/** Where a chain of hard links ends; a circle ends anywhere, and is refused when the layer is read. */
function originOf(entry: LayerEntry, byPath: ReadonlyMap<ByteString, LayerEntry>): ByteString {
  const seen = new Set<ByteString>([entry.path]);
  let { target } = entry;
  for (let next = byPath.get(target); next?.type === "hardlink"; next = byPath.get(target)) {
    if (seen.has(target)) break;
    seen.add(target);
    target = next.target;
  }
  return target;
}

/** The paths of the directories that a path is in, the root ("") first. */
export function parentsOf(path: ByteString): ByteString[] {
  const parents: ByteString[] = path === "" ? [] : [""];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
    parents.push(path.slice(0, slash));
  return parents;
}
