// A tree as a tar: sorted, hard links to the first name, times clamped when asked: equal trees, equal bytes.
import { type ByteString, printable } from "../base/bytes/index.ts";
import { type Content, dataBytes, dataRuns, EMPTY_CONTENT, readContent } from "../base/io/index.ts";
import { encodeTarHeader, sparseBytes, TAR_END, tarPadding, type TarWriteEntry } from "../formats/tar/index.ts";
import type { DirectoryInode, Inode } from "./inode.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { TreeError, walk } from "./path.ts";

export interface TreeToTarOptions {
  /** Later times become this one (SOURCE_DATE_EPOCH). */
  readonly maxMtimeSeconds?: number;
  /** Whether "./" itself is the first entry; true unless told otherwise. */
  readonly includeRoot?: boolean;
}

/** The bytes of the tar in fresh chunks of about 1 MiB. Throws TreeError UNSUPPORTED for sockets. */
export function treeToTar(root: DirectoryInode, options: TreeToTarOptions = {}): AsyncGenerator<Uint8Array> {
  return pack(tarEntries(root, options));
}

/**
 * A layer's entries as they are, in their order, as a tar: chunks as above. With `sparse`, holes of files are left out: for
 * GNU tar and us, not for layers.
 */
export function entriesToTar(
  entries: Iterable<LayerEntry>,
  options: { readonly sparse?: boolean } = {},
): AsyncGenerator<Uint8Array> {
  return pack(layerEntries(entries, options.sparse ?? false));
}

function* layerEntries(entries: Iterable<LayerEntry>, sparse: boolean): Generator<PackedEntry> {
  for (const entry of entries) {
    const { content, target, path } = entry;
    const runs = sparse && content.sizeBytes - dataBytes(content) >= MIN_HOLES_BYTES ? runsOf(content) : undefined;
    yield {
      entry: {
        ...entry,
        path: path === "" ? "./" : path,
        linkTarget: target,
        sizeBytes: content.sizeBytes,
        ...(runs === undefined ? {} : { sparse: runs }),
      },
      content,
    };
  }
}

/** Fewer are not worth a map. */
const MIN_HOLES_BYTES = 64 * 1024;
const GRAIN_BYTES = 4096;

function runsOf(content: Content): { readonly at: number; readonly length: number }[] {
  return dataRuns(content, GRAIN_BYTES).map(({ at, length }) => ({
    at,
    length: Math.min(length, content.sizeBytes - at),
  }));
}

interface PackedEntry {
  readonly entry: TarWriteEntry;
  readonly content: Content;
}

async function* pack(entries: Iterable<PackedEntry>): AsyncGenerator<Uint8Array> {
  const packer = new Packer();
  for (const { entry, content } of entries) {
    yield* packer.add(encodeTarHeader(entry));
    const runs = entry.sparse ?? [{ at: 0, length: content.sizeBytes }];
    for (const { at, length } of runs) yield* packer.addContent(content, at, length);
    yield* packer.add(TAR_END.subarray(0, tarPadding(sparseBytes(runs))));
  }
  yield* packer.add(TAR_END);
  yield* packer.flush();
}

function* tarEntries(root: DirectoryInode, options: TreeToTarOptions): Generator<PackedEntry> {
  const firstNames = new Map<Inode, ByteString>();
  for (const { path, inode } of walk(root)) {
    if (path === "" && options.includeRoot === false) continue;
    const first = firstNames.get(inode);
    if (first === undefined && inode.type !== "directory") firstNames.set(inode, path);
    const content = inode.type === "file" && first === undefined ? inode.content : EMPTY_CONTENT;
    yield { entry: entryOf(path === "" ? "./" : path, inode, first, options), content };
  }
}

function entryOf(
  path: ByteString,
  inode: Inode,
  first: ByteString | undefined,
  options: TreeToTarOptions,
): TarWriteEntry {
  const { mode, uid, gid, xattrs } = inode;
  const mtimeSeconds = Math.min(inode.mtimeSeconds, options.maxMtimeSeconds ?? Number.MAX_SAFE_INTEGER);
  const metadata = { path, mode, uid, gid, mtimeSeconds };
  if (first !== undefined) return { ...metadata, type: "hardlink", linkTarget: first };
  switch (inode.type) {
    case "file":
      return { ...metadata, xattrs, type: "file", sizeBytes: inode.content.sizeBytes };
    case "symlink":
      return { ...metadata, xattrs, type: "symlink", linkTarget: inode.target };
    case "character":
    case "block":
      return { ...metadata, xattrs, type: inode.type, major: inode.major, minor: inode.minor };
    case "socket":
      throw new TreeError("UNSUPPORTED", `cannot write "${printable(path)}" to a tar: it is a socket`);
    default:
      return { ...metadata, xattrs, type: inode.type };
  }
}

const CHUNK_BYTES = 1024 * 1024;

/** Fills chunks of equal size; each is given away. */
class Packer {
  #chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #filled = 0;

  *add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + CHUNK_BYTES - this.#filled);
      this.#chunk.set(part, this.#filled);
      done += part.length;
      yield* this.#advance(part.length);
    }
  }

  async *addContent(content: Content, at: number, length: number): AsyncGenerator<Uint8Array> {
    for (let done = 0; done < length;) {
      const room = this.#chunk.subarray(
        this.#filled,
        this.#filled + Math.min(CHUNK_BYTES - this.#filled, length - done),
      );
      await readContent(content, at + done, room);
      done += room.length;
      yield* this.#advance(room.length);
    }
  }

  *flush(): Generator<Uint8Array> {
    if (this.#filled > 0) yield this.#chunk.subarray(0, this.#filled);
  }

  *#advance(bytes: number): Generator<Uint8Array> {
    this.#filled += bytes;
    if (this.#filled < CHUNK_BYTES) return;
    yield this.#chunk;
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#filled = 0;
  }
}
