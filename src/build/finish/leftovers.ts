// What a package manager leaves behind in directories that a bootable image does not ship: /run and /tmp are file systems in
// memory, /var/tmp and /var/cache are filled again. The same directories that `ostree container commit` emptied (ostree-rs-ext,
// lib/src/commit.rs) before later versions left that to the author. The rest of /var stays: it becomes the first /var of a machine.
import type { ByteString } from "../../base/bytes/index.ts";
import { baseName, type LayerEntry, WHITEOUT_PREFIX } from "../../tree/index.ts";

const EMPTIED: readonly ByteString[] = ["run", "tmp", "var/tmp", "var/cache"];
const BOOTABLE_LABELS = ["containers.bootc", "ostree.bootable"];

export interface Cleared {
  readonly entries: readonly LayerEntry[];
  readonly leftovers: readonly LayerEntry[];
}

/**
 * A step's entries that a bootable image is better without: all below the emptied directories, which stay themselves.
 * Whiteouts are none: what they hide in the base stays hidden. Empty for images without a label of bootable ones.
 */
export function leftovers(entries: readonly LayerEntry[], labels: Readonly<Record<string, string>>): LayerEntry[] {
  return [...clearLeftovers(entries, labels).leftovers];
}

/** The entries without leftovers; a hard link to one becomes the file itself. Order is kept. */
export function clearLeftovers(entries: readonly LayerEntry[], labels: Readonly<Record<string, string>>): Cleared {
  if (!BOOTABLE_LABELS.some((label) => label in labels)) return { entries, leftovers: [] };
  const [gone, kept] = [entries.filter(isLeftover), entries.filter((entry) => !isLeftover(entry))];
  if (gone.length === 0) return { entries, leftovers: [] };
  return { entries: withoutLinksTo(gone, kept), leftovers: gone };
}

function isLeftover({ path }: LayerEntry): boolean {
  return !baseName(path).startsWith(WHITEOUT_PREFIX) && EMPTIED.some((directory) => path.startsWith(`${directory}/`));
}

/** The first link to a file that is gone takes its place, the others link to that. */
function withoutLinksTo(gone: readonly LayerEntry[], kept: readonly LayerEntry[]): LayerEntry[] {
  const files = new Map(gone.filter(({ type }) => type !== "hardlink").map((entry) => [entry.path, entry]));
  const heirs = new Map<ByteString, ByteString>();
  return kept.map((entry) => {
    const file = entry.type === "hardlink" ? files.get(entry.target) : undefined;
    if (file === undefined) return entry;
    const heir = heirs.get(entry.target);
    if (heir !== undefined) return { ...entry, target: heir };
    heirs.set(entry.target, entry.path);
    return { ...file, path: entry.path };
  });
}
