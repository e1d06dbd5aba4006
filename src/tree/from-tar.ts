// One tar as a tree: random access to the tar stays the source of all file contents.
import type { Source } from "../base/io/index.ts";
import { DEFAULT_TAR_LIMITS, scanTar, type TarLimits } from "../formats/tar/index.ts";
import type { DirectoryInode } from "./inode.ts";
import { layerEntryOf } from "./layer-entry.ts";
import { type ApplyOptions, mergeLayers } from "./merge-layers.ts";

/** The tree of a plain tar; `.wh.` names are names unless asked otherwise. Throws TarError, TreeError. */
export async function readTarTree(
  source: Source,
  limits: TarLimits = DEFAULT_TAR_LIMITS,
  options: ApplyOptions = { whiteouts: false },
): Promise<DirectoryInode> {
  const entries = await scanTar(source, limits);
  return mergeLayers([entries.map((entry) => layerEntryOf(entry, source))], options);
}
