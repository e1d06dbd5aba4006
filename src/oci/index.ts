export { ArchiveStore } from "./archive/reader.ts";
export { ArchiveWriter, OCI_ARCHIVE } from "./archive/writer.ts";
export { indexesOf } from "./chosen-from.ts";
export { type HistoryEntry, type ImageConfig, parseConfig } from "./config.ts";
export { copyImage, type CopyOptions } from "./copy.ts";
export { copyAttached, copySignedIndexes } from "./copy-attached.ts";
export { DirStore } from "./dir/store.ts";
export { DockerArchiveStore } from "./docker-archive/reader.ts";
export { DOCKER_ARCHIVE } from "./docker-archive/writer.ts";
export { describeBytes, type Descriptor, formatDescriptor } from "./descriptor.ts";
export { LayerError, type LayerErrorCode, OciError, type OciErrorCode } from "./error.ts";
export {
  chooseManifest,
  type Image,
  type ImageLayer,
  openDescriptor,
  openImage,
  type OpenImageOptions,
} from "./image.ts";
export { choosePlatform, formatImageIndex, type ImageIndex, parseImageIndex } from "./image-index.ts";
export { type Layer, LayerCache, type OpenLayerOptions } from "./layer/cache.ts";
export type { LayerPaths } from "./layer/paths-file.ts";
export { openLayers } from "./layer/open-all.ts";
export type { Fingerprint } from "./layer/fingerprint.ts";
export { DEFAULT_LAYER_LIMITS, type LayerLimits } from "./layer/limits.ts";
export { LayoutStore } from "./layout/store.ts";
export {
  type LocalStore,
  openLocalStore,
  pruneStore,
  PULLED_FROM,
  sizeOfStore,
  type StorePruneResult,
  type StoreSize,
} from "./local-store.ts";
export { addMembers, describeMembers, EMPTY_LIST, type ManifestList, readList, writeList } from "./manifest-list.ts";
export { formatManifest, type Manifest, MAX_MANIFEST_BYTES, parseManifest } from "./manifest.ts";
export { type Compression, isIndexType, isManifestType, layerCompression, MEDIA_TYPE } from "./media-types.ts";
export {
  assertFileName,
  changedError,
  containerDisk,
  containerDiskPath,
  diskArtifact,
  type DiskFile,
  type DiskFormat,
  EMPTY_CONFIG,
  inspectDiskFile,
  type LayerOptions,
  MediaError,
  type MediaErrorCode,
  MediaStore,
  openDisk,
  type OpenedDisk,
  type ReadDiskOptions,
  writeDisk,
  type WrittenDisk,
} from "./media/index.ts";
export { MemoryStore } from "./memory/store.ts";
export { type Destination, openDestination } from "./destination.ts";
export { expandName, locate, type Located, type OpenedImage, openReference, type Places } from "./open-reference.ts";
export { formatPlatform, makePlatform, matchesPlatform, parsePlatform, type Platform } from "./platform.ts";
export {
  assertRedistributable,
  findRestriction,
  parseRedistributionRules,
  REDISTRIBUTION_RULES,
  type RedistributionRule,
} from "./redistribution.ts";
export {
  formatImageName,
  formatReference,
  type ImageName,
  newStoreName,
  parseImageName,
  isRepositoryName,
  isTag,
  parseReference,
  type QualifiedName,
  type Reference,
  storeName,
  withDefaults,
} from "./reference.ts";
export { type DirectRegistry, type DirectRegistryOptions, openDirectRegistry } from "./direct-registry.ts";
export { openRegistries, type Registries, type RegistriesOptions } from "./registries.ts";
export type { RegistryStore } from "./remote/index.ts";
export {
  fetchDocument,
  isAttachmentName,
  isRemote,
  type NamedDescriptor,
  pushBytes,
  type ReadableStore,
  type RemoteStore,
  type Store,
} from "./store.ts";
export {
  type Credentials,
  type Endpoint,
  type LoginTarget,
  openSettings,
  parseLoginTarget,
  removeAllCredentials,
  removeCredentials,
  type Settings,
  SettingsError,
  type SettingsErrorCode,
  type SettingsOptions,
  storeCredentials,
  type TlsSettings,
} from "./settings/index.ts";
export { verifyLogin, type VerifyLoginOptions } from "./verify-login.ts";
export {
  assertAllowed,
  type Claims,
  expandedName,
  generateKeyPair,
  type IdentityRule,
  type JudgedSignature,
  judgeSignatures,
  loadPolicy,
  openPrivateKey,
  parsePublicKey,
  type Policy,
  type ProtectedImage,
  type PublicKey,
  readKeyFile,
  readPublicKey,
  referenceFound,
  refuseIdentity,
  SignatureError,
  type SignatureErrorCode,
  type SignatureForm,
  type SignatureSource,
  type Signer,
  signImage,
  storeSignatures,
} from "./signature/index.ts";
