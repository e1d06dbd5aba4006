export {
  copyDirectories,
  type DeviceInode,
  directory,
  type DirectoryInode,
  file,
  type FileInode,
  fileMode,
  type Inode,
  type Metadata,
  sortedEntries,
  type SpecialInode,
  symlink,
  type SymlinkInode,
  type Xattr,
} from "./inode.ts";
export { diffPaths, diffTrees, entryOf, whiteout } from "./diff-trees.ts";
export { readTarTree } from "./from-tar.ts";
export { contentOfSpans, entryPath, inodeOf, type LayerEntry, layerEntryOf } from "./layer-entry.ts";
export { describeChanges, type LayerChanges } from "./layer-changes.ts";
export {
  applyLayer,
  type ApplyOptions,
  type LayerName,
  layerNames,
  mergeLayers,
  OPAQUE_WHITEOUT,
  PARENT_METADATA,
  WHITEOUT_PREFIX,
} from "./merge-layers.ts";
export { entriesToTar, treeToTar, type TreeToTarOptions } from "./to-tar.ts";
export {
  baseName,
  ensureDirectory,
  lookup,
  lookupDirectory,
  parentOf,
  place,
  remove,
  resolve,
  splitPath,
  type TreeEntry,
  TreeError,
  walk,
} from "./path.ts";
