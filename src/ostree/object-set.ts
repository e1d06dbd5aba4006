// The objects of a repository that lives in memory: metadata as bytes, content by reference to the layer cache.
// Each content object is one Inode (mtime 0); a checkout hands out that same Inode, which makes the hard link.
import { createHash } from "node:crypto";
import { printable } from "../base/bytes/index.ts";
import { readContent } from "../base/io/index.ts";
import { checksumOf, fileObjectPrefix, symlinkChecksum } from "../formats/ostree/index.ts";
import type { FileInode, SymlinkInode } from "../tree/index.ts";
import { OstreeError } from "./errors.ts";

export type MetadataKind = "dirtree" | "dirmeta" | "commit";

export type StoredObject =
  | { readonly kind: "file"; readonly inode: FileInode | SymlinkInode }
  | { readonly kind: MetadataKind; readonly bytes: Uint8Array };

export class ObjectSet implements Iterable<readonly [string, StoredObject]> {
  readonly #objects = new Map<string, StoredObject>();
  readonly #symlinks = new WeakMap<SymlinkInode, string>();

  get size(): number {
    return this.#objects.size;
  }

  has(checksum: string): boolean {
    return this.#objects.has(checksum);
  }

  [Symbol.iterator](): MapIterator<[string, StoredObject]> {
    return this.#objects.entries();
  }

  /** Stores a commit, dirtree or dirmeta and returns its checksum. */
  addMetadata(kind: MetadataKind, bytes: Uint8Array): string {
    const checksum = checksumOf(bytes);
    if (!this.#objects.has(checksum)) this.#objects.set(checksum, { kind, bytes });
    return checksum;
  }

  /** Stores a regular file under a checksum that the caller knows to be right. */
  addFile(inode: FileInode, checksum: string): void {
    if (this.#objects.has(checksum)) return;
    const isObject = inode.mtimeSeconds === 0 && inode.ostreeChecksum === checksum && inode.immutable === undefined;
    this.#objects.set(checksum, { kind: "file", inode: isObject ? inode : objectInode(inode, checksum) });
  }

  /** Stores a symbolic link and returns its checksum. Throws OstreeFormatError for a target that ostree refuses. */
  addSymlink(inode: SymlinkInode): string {
    let checksum = this.#symlinks.get(inode);
    if (checksum === undefined) {
      checksum = symlinkChecksum(inode, inode.target);
      this.#symlinks.set(inode, checksum);
    }
    if (!this.#objects.has(checksum)) {
      const { uid, gid, xattrs, target } = inode;
      const stored: SymlinkInode = { type: "symlink", mode: 0o777, uid, gid, xattrs, mtimeSeconds: 0, target };
      this.#symlinks.set(stored, checksum);
      this.#objects.set(checksum, { kind: "file", inode: stored });
    }
    return checksum;
  }

  /** Throws MISSING_OBJECT. */
  metadata(kind: MetadataKind, checksum: string): Uint8Array {
    const object = this.#objects.get(checksum);
    if (object === undefined || object.kind === "file" || object.kind !== kind) throw missing(kind, checksum);
    return object.bytes;
  }

  /** Throws MISSING_OBJECT. */
  content(checksum: string): FileInode | SymlinkInode {
    const object = this.#objects.get(checksum);
    if (object?.kind !== "file") throw missing("file", checksum);
    return object.inode;
  }
}

function objectInode({ mode, uid, gid, xattrs, content }: FileInode, checksum: string): FileInode {
  return { type: "file", mode, uid, gid, xattrs, mtimeSeconds: 0, content, ostreeChecksum: checksum };
}

function missing(kind: string, checksum: string): OstreeError {
  return new OstreeError("MISSING_OBJECT", `cannot find ${kind} object ${printable(checksum)}`, {
    data: { checksum, kind },
  });
}

const READ_BYTES = 256 * 1024;

/**
 * The checksum of a regular file, reading its content unless the inode brings it along. Who asks for many lends a
 * buffer, for one at a time.
 */
export async function fileChecksum(inode: FileInode, buffer?: Uint8Array): Promise<string> {
  if (inode.ostreeChecksum !== undefined) return inode.ostreeChecksum;
  const { content } = inode;
  const digest = createHash("sha256").update(fileObjectPrefix(inode));
  const room = buffer ?? new Uint8Array(Math.min(READ_BYTES, content.sizeBytes));
  for (let offset = 0; offset < content.sizeBytes; offset += room.length) {
    const chunk = room.subarray(0, Math.min(room.length, content.sizeBytes - offset));
    await readContent(content, offset, chunk);
    digest.update(chunk);
  }
  return digest.digest("hex");
}

/** A buffer to lend to `fileChecksum`. */
export function checksumBuffer(): Uint8Array {
  return new Uint8Array(READ_BYTES);
}
