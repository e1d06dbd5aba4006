export { ArchiveStore } from "./archive/reader.ts";
export { type HistoryEntry, type ImageConfig, parseConfig } from "./config.ts";
export { copyImage, type CopyOptions } from "./copy.ts";
export { describeBytes, type Descriptor, formatDescriptor } from "./descriptor.ts";
export { LayerError, type LayerErrorCode, OciError, type OciErrorCode } from "./error.ts";
export { type Image, type ImageLayer, openDescriptor, openImage, type OpenImageOptions } from "./image.ts";
export { choosePlatform, formatImageIndex, type ImageIndex, parseImageIndex } from "./image-index.ts";
export { type Layer, LayerCache, type OpenLayerOptions } from "./layer/cache.ts";
export { openLayers } from "./layer/open-all.ts";
export type { Fingerprint } from "./layer/fingerprint.ts";
export { DEFAULT_LAYER_LIMITS, type LayerLimits } from "./layer/limits.ts";
export { LayoutStore } from "./layout/store.ts";
export { type LocalStore, openLocalStore } from "./local-store.ts";
export { formatManifest, type Manifest, parseManifest } from "./manifest.ts";
export { type Compression, isIndexType, isManifestType, layerCompression, MEDIA_TYPE } from "./media-types.ts";
export { MemoryStore } from "./memory/store.ts";
export { locate, type Located, openReference } from "./open-reference.ts";
export { formatPlatform, makePlatform, matchesPlatform, parsePlatform, type Platform } from "./platform.ts";
export {
  formatImageName,
  formatReference,
  type ImageName,
  parseImageName,
  parseReference,
  type Reference,
  storeName,
} from "./reference.ts";
export { fetchDocument, type NamedDescriptor, pushBytes, type ReadableStore, type Store } from "./store.ts";
