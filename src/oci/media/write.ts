// The two forms that a disk has in a registry (docs/formats/media.md): an OCI artifact (image-spec manifest.md "Guidelines
// for Artifact Usage"), whose layer is the file; and KubeVirt's container disk, an image whose layer is a tar with
// /disk/boot.qcow2. Equal files, equal digests.
import { basename } from "node:path";
import { concatBytes } from "../../base/bytes/index.ts";
import { contentFrom, contentOf, contentSource, placeContents, type Source } from "../../base/io/index.ts";
import { encodeTarHeader, TAR_END, tarPadding } from "../../formats/tar/index.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { formatPlatformJson, type Platform } from "../platform.ts";
import { assertFileName, DISK_ARTIFACT, DISK_LAYER, type DiskFormat, identifyForPush, TITLE, ZSTD } from "./format.ts";
import { describeLayer, type LayerOptions, MediaStore } from "./store.ts";

/** A file that was looked at. */
export interface DiskFile {
  readonly path: string;
  readonly format: DiskFormat;
  readonly source: Source;
}

/** Throws MediaError BAD_NAME, NOT_A_DISK, NOT_ALONE, Qcow2Error, IoError. */
export async function inspectDiskFile(path: string, source: Source): Promise<DiskFile> {
  assertFileName(basename(path), path);
  return { path, source, format: await identifyForPush(source, path) };
}

/** The config of what has none: `{}` (image-spec manifest.md). */
export const EMPTY_CONFIG: { readonly mediaType: string; readonly bytes: Uint8Array } = {
  mediaType: MEDIA_TYPE.empty,
  bytes: Buffer.from("{}"),
};

/** Reads the file once. Throws IoError, and what `onBytes` throws. */
export async function diskArtifact(disk: DiskFile, options: LayerOptions = {}): Promise<MediaStore> {
  const layer = await describeLayer(disk.source, DISK_LAYER[disk.format], options);
  const title = `${basename(disk.path)}${options.compression === "zstd" ? ZSTD.extension : ""}`;
  const named = { ...layer, descriptor: { ...layer.descriptor, annotations: { [TITLE]: title } } };
  return MediaStore.create(disk.path, named, EMPTY_CONFIG, { artifactType: DISK_ARTIFACT });
}

/** QEMU's user and group in KubeVirt; others may not read the disk. */
const OWNER = { mode: 0o440, uid: 107, gid: 107, mtimeSeconds: 0 } as const;
const BOOT_FILE: Readonly<Record<DiskFormat, string>> = { qcow2: "boot.qcow2", raw: "boot.img", iso: "boot.iso" };
/** Nothing tells when a disk was made that would not make its digest another one each time. */
const CREATED = "1970-01-01T00:00:00Z";

/** Where the disk is in a container disk of this format. */
export function containerDiskPath(format: DiskFormat): string {
  return `disk/${BOOT_FILE[format]}`;
}

/** Reads the file once. Throws IoError, and what `onBytes` throws. */
export async function containerDisk(
  disk: DiskFile,
  platform: Platform,
  options: LayerOptions = {},
): Promise<MediaStore> {
  const layer = await describeLayer(containerDiskTar(disk), MEDIA_TYPE.layer, options);
  const config = {
    created: CREATED,
    ...formatPlatformJson(platform),
    config: {},
    rootfs: { type: "layers", diff_ids: [layer.diffId] },
    history: [{ created: CREATED, created_by: `slipway media push # /${containerDiskPath(disk.format)}` }],
  };
  return MediaStore.create(disk.path, layer, {
    mediaType: MEDIA_TYPE.config,
    bytes: Buffer.from(JSON.stringify(config)),
  });
}

/** By reference: the disk stays where it is. What no part covers is zero, which is how a tar is padded and ends. */
function containerDiskTar({ source, format }: DiskFile): Source {
  const { sizeBytes } = source;
  const head = concatBytes([
    encodeTarHeader({ type: "directory", path: "disk", mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0 }),
    encodeTarHeader({ type: "file", path: containerDiskPath(format), ...OWNER, sizeBytes }),
  ]);
  return contentSource(
    placeContents(head.length + sizeBytes + tarPadding(sizeBytes) + TAR_END.length, [
      { at: 0, content: contentOf(head) },
      { at: head.length, content: contentFrom(source, 0, sizeBytes) },
    ]),
  );
}
