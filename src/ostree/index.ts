export { fileObjectPrefix } from "../formats/ostree/index.ts";
export { canonicalJson, type Json } from "./canonical-json.ts";
export { readCommit, treeOfCommit } from "./checkout.ts";
export { composefsImage, type ComposefsOptions } from "./composefs.ts";
export { commitTree, type CommitOptions, type StoredCommit, storeTree } from "./commit-tree.ts";
export { OstreeError } from "./errors.ts";
export { fsVerityDigest } from "./fs-verity.ts";
export { type ImageInput, type ImportedImage, type ImportedLayer, importImage } from "./from-image.ts";
export type { LayerInput } from "./import/layer-input.ts";
export { fileChecksum, ObjectSet, type StoredObject } from "./object-set.ts";
export { assertRefName, escapeRef, imageRef, layerRef, unescapeRef } from "./ref-name.ts";
export { type RepoConfig, writeRepoTree } from "./repo-tree.ts";
export {
  deployFirst,
  type DeployInput,
  type Deployment,
  OstreeSysrootError,
  type SysrootFileSystem,
  TreeFileSystem,
} from "./sysroot/index.ts";
