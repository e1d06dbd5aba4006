// Media types (image-spec media-types.md) and their Docker schema 2 twins, which differ in name only.

export const MEDIA_TYPE = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  empty: "application/vnd.oci.empty.v1+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
} as const;

export type Compression = "none" | "gzip" | "zstd";

const COMPRESSIONS: Readonly<Record<string, Compression>> = {
  [MEDIA_TYPE.layer]: "none",
  [MEDIA_TYPE.layerGzip]: "gzip",
  [MEDIA_TYPE.layerZstd]: "zstd",
  [MEDIA_TYPE.dockerLayer]: "none",
  [MEDIA_TYPE.dockerLayerGzip]: "gzip",
  // Deprecated, still in old images: content that a registry may not be allowed to give out.
  "application/vnd.oci.image.layer.nondistributable.v1.tar": "none",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": "gzip",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": "zstd",
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": "gzip",
  // Some builders label zstd layers of Docker images so.
  "application/vnd.docker.image.rootfs.diff.tar.zstd": "zstd",
};

/** How a layer of this media type is compressed; undefined when it is not a file system layer. */
export function layerCompression(mediaType: string): Compression | undefined {
  return COMPRESSIONS[mediaType];
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.index || mediaType === MEDIA_TYPE.dockerIndex;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.manifest || mediaType === MEDIA_TYPE.dockerManifest;
}

/** What registries keep under manifests/, and others under names of its own: everything that refers to blobs. */
export function isDocumentType(mediaType: string): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType);
}

export function isConfigType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.config || mediaType === MEDIA_TYPE.dockerConfig;
}
