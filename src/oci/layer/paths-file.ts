// What a cached layer says about a path, found without reading all of its index: the file `paths` beside it. JSON lines
// ("pages") of up to 128 names each, sorted by path, with all metadata; then one line that lists the pages (first path,
// offset, length, SHA-256); then, of fixed length, the offset of that line and its SHA-256. A file that does not agree
// with itself counts as missing: it can always be made again.
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../../base/digest.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { AtomicFile, FileSource, IoError, readBytes, type Source } from "../../base/io/index.ts";
import { type ByteString, compareByteStrings } from "../../base/bytes/index.ts";
import { entryOf as layerEntryOfInode, inodeOf, type LayerName, layerNames } from "../../tree/index.ts";
import { entryOf, type Row, rowOf } from "./index-file.ts";
import { DATA_FILE } from "./ingest.ts";
import type { Layer } from "./cache.ts";

const PATHS_FILE = "paths";
const VERSION = 1;
const NAMES_A_PAGE = 128;
const OFFSET_DIGITS = 16;
const TRAILER_BYTES = OFFSET_DIGITS + 1 + 64 + 1;

const DIRECTORY = 1;
const HIDES = 2;
const OPAQUE = 4;

/** Path, flags, and the row of the index when there is an inode. */
type NameRow = [path: ByteString, flags: number, row?: Row];
type PageFacts = [firstPath: ByteString, offset: number, length: number, sha256: string];
interface Contents {
  readonly version: number;
  readonly diffId: Digest;
  /** False: a name's meaning depends on other layers (`layerNames`), so there are no pages. */
  readonly isPlain: boolean;
  readonly pages: readonly PageFacts[];
}

/** Open for reading; dispose it when contents of its files are no longer needed. */
export class LayerPaths implements Disposable {
  /** False: only all layers together tell what this one means; nothing can be found here. */
  readonly isPlain: boolean;
  readonly #pages: readonly PageFacts[];
  readonly #file: FileSource;
  readonly #data: FileSource;
  readonly #names = new Map<number, readonly LayerName[]>();

  private constructor(contents: Contents, file: FileSource, data: FileSource) {
    this.isPlain = contents.isPlain;
    this.#pages = contents.pages;
    this.#file = file;
    this.#data = data;
  }

  /** Undefined when there is no such file, or none that can be used. */
  static async load(directory: string, diffId: Digest): Promise<LayerPaths | undefined> {
    let file: FileSource;
    try {
      file = FileSource.open(join(directory, PATHS_FILE));
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
    try {
      const contents = await readContents(file, diffId);
      if (contents !== undefined) {
        const data = FileSource.open(join(directory, DATA_FILE));
        return new LayerPaths(contents, file, data);
      }
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
    file[Symbol.dispose]();
    return undefined;
  }

  /** Made from the layer's entries and written, not synced: what is torn is made again. */
  static async make(directory: string, layer: Layer): Promise<LayerPaths> {
    {
      await using file = await AtomicFile.create(join(directory, PATHS_FILE));
      let offset = 0;
      for (const part of encodePaths(layer)) {
        await file.write(offset, part);
        offset += part.length;
      }
      await file.commit({ sync: false });
    }
    const paths = await LayerPaths.load(directory, layer.diffId);
    if (paths === undefined) throw new Error(`the paths of ${layer.diffId} do not read back`);
    return paths;
  }

  /** For files that may be torn. */
  static async remove(directory: string): Promise<void> {
    await rm(join(directory, PATHS_FILE), { force: true });
  }

  /** What the layer says about a path; undefined when it says nothing. */
  async find(path: ByteString): Promise<LayerName | undefined> {
    const page = lastAtMost(this.#pages, path, ([first]) => first);
    if (page < 0) return undefined;
    const names = this.#names.get(page) ?? (await this.#read(page));
    const found = names[lastAtMost(names, path, (name) => name.path)];
    return found?.path === path ? found : undefined;
  }

  async #read(page: number): Promise<readonly LayerName[]> {
    const [, offset, length, sha256] = this.#pages[page] as PageFacts;
    const bytes = await readBytes(this.#file, offset, length);
    if (sha256Of(bytes) !== sha256) {
      throw new IoError("READ_FAILED", `cannot read ${this.#file.path}: it is damaged at offset ${offset}`, {
        hint: "Remove the file: it is made again",
      });
    }
    const rows = JSON.parse(Buffer.from(bytes).toString("latin1")) as NameRow[];
    const names = rows.map((row) => nameOf(row, this.#data));
    this.#names.set(page, names);
    return names;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    this.#data[Symbol.dispose]();
  }
}

async function readContents(file: Source, diffId: Digest): Promise<Contents | undefined> {
  if (file.sizeBytes < TRAILER_BYTES) return undefined;
  const trailerAt = file.sizeBytes - TRAILER_BYTES;
  const trailer = Buffer.from(await readBytes(file, trailerAt, TRAILER_BYTES)).toString("latin1");
  const [, digits, sha256] = /^(\d{16}) ([0-9a-f]{64})\n$/.exec(trailer) ?? [];
  const offset = Number(digits);
  if (sha256 === undefined || !(offset < trailerAt)) return undefined;
  const bytes = await readBytes(file, offset, trailerAt - offset);
  if (sha256Of(bytes) !== sha256) return undefined;
  const contents = JSON.parse(Buffer.from(bytes).toString("latin1")) as Contents;
  return contents.version === VERSION && contents.diffId === diffId ? contents : undefined;
}

function* encodePaths(layer: Layer): Generator<Uint8Array> {
  const names = layerNames(layer.entries);
  const rows = (names ?? []).sort((a, b) => compareByteStrings(a.path, b.path)).map(nameRowOf);
  const pages: PageFacts[] = [];
  let offset = 0;
  for (let at = 0; at < rows.length; at += NAMES_A_PAGE) {
    const bytes = lineOf(rows.slice(at, at + NAMES_A_PAGE));
    pages.push([(rows[at] as NameRow)[0], offset, bytes.length, sha256Of(bytes)]);
    offset += bytes.length;
    yield bytes;
  }
  const contents: Contents = { version: VERSION, diffId: layer.diffId, isPlain: names !== undefined, pages };
  const bytes = lineOf(contents);
  yield bytes;
  yield Buffer.from(`${String(offset).padStart(OFFSET_DIGITS, "0")} ${sha256Of(bytes)}\n`);
}

function nameRowOf({ path, inode, isDirectory, hides, isOpaque }: LayerName): NameRow {
  const flags = (isDirectory ? DIRECTORY : 0) + (hides ? HIDES : 0) + (isOpaque ? OPAQUE : 0);
  if (inode === undefined) return [path, flags];
  const entry = layerEntryOfInode("", inode);
  const { sizeBytes, extents } = entry.content;
  const spans = extents.map(({ at, length, sourceOffset }) => ({ at, length, offset: sourceOffset }));
  return [path, flags, rowOf({ ...entry, linkTarget: entry.target, sizeBytes, spans, checksum: "" })];
}

function nameOf([path, flags, row]: NameRow, data: Source): LayerName {
  const inode = row === undefined ? undefined : inodeOf(entryOf(row, data));
  const has = (flag: number): boolean => Math.floor(flags / flag) % 2 === 1;
  return {
    path,
    ...(inode === undefined ? {} : { inode }),
    isDirectory: has(DIRECTORY),
    hides: has(HIDES),
    isOpaque: has(OPAQUE),
  };
}

/** Index of the last item whose key is at most `wanted`; -1 when there is none. */
function lastAtMost<T>(items: readonly T[], wanted: ByteString, keyOf: (item: T) => ByteString): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (keyOf(items[middle] as T) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function lineOf(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`, "latin1");
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
