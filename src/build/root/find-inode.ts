// One path in a stack of layers, without merging them: the same answer as a lookup in `mergeLayers` of all of them.
import type { ByteString } from "../../base/bytes/index.ts";
import { directory, type Inode, type LayerName, PARENT_METADATA, splitPath } from "../../tree/index.ts";

/** What a layer says about a path. */
export interface LayerFinder {
  find(path: ByteString): Promise<LayerName | undefined>;
}

/** Symbolic links are not followed. A directory comes without its entries. */
export async function findInode(layers: readonly LayerFinder[], path: ByteString): Promise<Inode | undefined> {
  return findIn(layers, layers.length - 1, splitPath(path));
}

/** In the layers 0…top. */
async function findIn(
  layers: readonly LayerFinder[],
  top: number,
  names: readonly ByteString[],
): Promise<Inode | undefined> {
  const layer = layers[top];
  if (layer === undefined) return names.length === 0 ? directory(PARENT_METADATA) : undefined;
  let path = "";
  let isHidden = false;
  let found: LayerName | undefined;
  // From the root down, as long as the layer has directories there.
  for (let depth = 0; depth <= names.length; depth++) {
    if (depth > 0) path = path === "" ? (names[0] as ByteString) : `${path}/${names[depth - 1]}`;
    const isParentOpaque = found?.isOpaque ?? false;
    found = await layer.find(path);
    if (found === undefined || (!found.isDirectory && found.inode === undefined)) {
      isHidden ||= isParentOpaque || found?.hides === true;
      return isHidden ? undefined : findIn(layers, top - 1, names);
    }
    isHidden ||= found.hides;
    if (!found.isDirectory) return depth === names.length ? found.inode : undefined;
  }
  if (found?.inode !== undefined) return found.inode;
  // A parent of the layer's entries: it has the metadata of what is below it.
  const below = isHidden ? undefined : await findIn(layers, top - 1, names);
  return directory(below?.type === "directory" ? plain(below) : PARENT_METADATA);
}

function plain({ mode, uid, gid, mtimeSeconds, xattrs }: Inode): typeof PARENT_METADATA {
  return { mode, uid, gid, mtimeSeconds, xattrs };
}
