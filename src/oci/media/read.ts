// A disk out of a registry or wherever images are kept: from an artifact, ours or another tool's, or from a container
// disk; and into a file, with its zeros left out.
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AtomicFile, stretches, sweepPartials } from "../../base/io/index.ts";
import { countBytes, readAhead } from "../../base/stream/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { openDescriptor } from "../image.ts";
import { decompress } from "../layer/decompress.ts";
import { parseManifest } from "../manifest.ts";
import { isConfigType, isManifestType } from "../media-types.ts";
import { fetchDocument, type ReadableStore } from "../store.ts";
import {
  type DiskHead,
  type DiskPiece,
  fetchStage,
  readContainerDisk,
  type ReadDiskOptions,
} from "./container-disk.ts";
import { MediaError } from "./error.ts";
import { type DiskFormat, identifyDisk, TITLE } from "./format.ts";

export interface OpenedDisk extends DiskHead, AsyncDisposable {
  readonly form: "artifact" | "container-disk";
  /** In order; to be read once, and to the end. */
  readonly pieces: AsyncGenerator<DiskPiece>;
}

/** `manifest` is that of one image or artifact. Throws MediaError, OciError, LayerError, DigestError. */
export async function openDisk(
  store: ReadableStore,
  manifest: Descriptor,
  options: ReadDiskOptions,
): Promise<OpenedDisk> {
  const what = `${manifest.digest} of ${store.description}`;
  if (!isManifestType(manifest.mediaType))
    throw new OciError("NOT_AN_IMAGE", `cannot open ${what}: its media type is ${manifest.mediaType}`);
  const { config, layers } = parseManifest(await fetchDocument(store, manifest), `manifest ${what}`);
  const { platform } = options;
  const isImage = isConfigType(config.mediaType);
  const events = isImage
    ? readContainerDisk(await openDescriptor(store, manifest, platform === undefined ? {} : { platform }), options)
    : readArtifact(store, chooseFile(layers, options.file, what), options);
  const { value: head } = await events.next();
  if (head === undefined || !("name" in head)) throw new TypeError("a disk begins with its head");
  return {
    ...head,
    form: isImage ? "container-disk" : "artifact",
    pieces: events as AsyncGenerator<DiskPiece>,
    [Symbol.asyncDispose]: async () => void (await events.return(undefined)),
  };
}

const COMPRESSED = /\+(zstd|gzip)$/;
const COMPRESSED_EXTENSION = /\.(zst|gz)$/;

/** Without compression, whatever the layer has: `disk.raw.zst` of `…+zstd` is disk.raw. */
function fileName(layer: Descriptor): string {
  const title = layer.annotations?.[TITLE] ?? "";
  return COMPRESSED.test(layer.mediaType) ? title.replace(COMPRESSED_EXTENSION, "") : title;
}

function chooseFile(layers: readonly Descriptor[], wanted: string | undefined, what: string): Descriptor {
  const found = wanted === undefined ? layers : layers.filter((layer) => fileName(layer) === wanted);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const names = layers.slice(0, 20).map((layer) => JSON.stringify(fileName(layer)));
  throw new MediaError(
    first === undefined ? "NO_DISK" : "AMBIGUOUS",
    `cannot choose ${wanted === undefined ? "a file" : JSON.stringify(wanted)} in ${what}: it has ${names.length === 0 ? "none" : names.join(", ")}`,
    { hint: "Choose one of its files with --file NAME" },
  );
}

async function* readArtifact(
  store: ReadableStore,
  layer: Descriptor,
  options: ReadDiskOptions,
): AsyncGenerator<DiskHead | DiskPiece> {
  const name = fileName(layer);
  const isCompressed = COMPRESSED.test(layer.mediaType);
  yield isCompressed ? { name } : { name, sizeBytes: layer.sizeBytes };
  const stage = fetchStage(layer, options);
  const blob = countBytes(store.fetch(layer), stage.onBytes);
  let at = 0;
  for await (const bytes of isCompressed ? decompress(blob, options.limits.expansion) : blob) {
    yield { at, bytes };
    at += bytes.length;
  }
  stage.done();
}

export interface WrittenDisk {
  readonly path: string;
  readonly format: DiskFormat;
  readonly sizeBytes: number;
  /** What it takes on its file system. */
  readonly allocatedBytes: number;
}

const SYNC_BYTES = 64 * 1024 * 1024;
const PIECES_AHEAD = 4;

/** The file appears when all of it is there and right. Throws IoError, MediaError NOT_ALONE, and what the pieces throw. */
export async function writeDisk(path: string, disk: OpenedDisk): Promise<WrittenDisk> {
  await sweepPartials(dirname(path));
  await using file = await AtomicFile.create(path, { syncEveryBytes: SYNC_BYTES });
  let end = 0;
  for await (const { at, bytes } of readAhead(disk.pieces, PIECES_AHEAD)) {
    for (const [from, to] of stretches(bytes)) await file.write(at + from, bytes.subarray(from, to));
    end = at + bytes.length;
  }
  const sizeBytes = disk.sizeBytes ?? end;
  await file.truncate(sizeBytes);
  const format = await identifyDisk({ sizeBytes, read: (offset, target) => file.read(offset, target) }, disk.name);
  await file.commit();
  // st_blocks counts 512 bytes.
  return { path, format, sizeBytes, allocatedBytes: (await stat(path)).blocks * 512 };
}
