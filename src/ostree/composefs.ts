// The `.ostree.cfs` of a deployment (docs/formats/composefs.md): the commit's tree as an EROFS image whose files point,
// through overlayfs xattrs, at the repository's objects. Byte-identical to ostree 2026.4 with libcomposefs 1.0.8.
import { type ByteString, compareByteStrings, concatBytes, utf8 } from "../base/bytes/index.ts";
import {
  BOOT_BYTES,
  encodeErofs,
  type ErofsDirectory,
  type ErofsNode,
  type ErofsXattr,
} from "../formats/erofs/index.ts";
import { directory, type DirectoryInode, type FileInode, type Inode } from "../tree/index.ts";
import { unsupportedFile } from "./commit-tree.ts";
import { fsVerityDigest } from "./fs-verity.ts";
import { fileChecksum } from "./object-set.ts";

export interface ComposefsOptions {
  /**
   * Each file's fs-verity digest stands in the image (prepare-root.conf: enabled=verity or signed). Reads all content.
   */
  readonly verity: boolean;
}

const MAGIC = 0xd078629a;
const FORMAT_VERSION = 1;
const FLAG_HAS_ACL = 1;

/** Places that booting mounts over. */
const MOUNT_POINTS: readonly ByteString[] = ["usr", "etc", "boot", "var", "sysroot"];

/**
 * The image for a commit's tree, as `treeOfCommit` gives it (before /etc is made).
 * Throws ErofsError for what the format cannot hold, UNSUPPORTED_FILE for what ostree cannot.
 */
export async function composefsImage(tree: DirectoryInode, options: ComposefsOptions): Promise<Uint8Array> {
  const converter = new Converter(options.verity);
  const root = await converter.convertDirectory(withMountPoints(tree), "");
  return encodeErofs(withWhiteouts(root), header(converter.hasAcl));
}

function header(hasAcl: boolean): Uint8Array {
  const bytes = Buffer.alloc(BOOT_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 4);
  bytes.writeUInt32LE(hasAcl ? FLAG_HAS_ACL : 0, 8);
  return bytes;
}

function withMountPoints(tree: DirectoryInode): DirectoryInode {
  const entries = new Map(tree.entries);
  for (const name of MOUNT_POINTS) if (!entries.has(name)) entries.set(name, directory());
  return { ...tree, entries };
}

class Converter {
  hasAcl = false;
  readonly #verity: boolean;
  /** Equal content is hashed once. */
  readonly #digests = new Map<string, Uint8Array>();

  constructor(verity: boolean) {
    this.#verity = verity;
  }

  async convertDirectory(inode: DirectoryInode, path: ByteString): Promise<ErofsDirectory> {
    const entries = new Map<ByteString, ErofsNode>();
    for (const [name, child] of inode.entries) entries.set(name, await this.#convert(child, `${path}/${name}`));
    return { ...this.#metadata(inode), type: "directory", entries };
  }

  async #convert(inode: Inode, path: ByteString): Promise<ErofsNode> {
    switch (inode.type) {
      case "directory":
        return await this.convertDirectory(inode, path);
      case "symlink":
        return { ...this.#metadata(inode), mode: 0o777, type: "symlink", target: inode.target };
      case "file": {
        const overlay = inode.content.sizeBytes === 0 ? [] : await this.#overlayXattrs(inode);
        return { ...this.#metadata(inode, overlay), type: "file", sizeBytes: inode.content.sizeBytes };
      }
      default:
        throw unsupportedFile(path, inode.type);
    }
  }

  async #overlayXattrs(inode: FileInode): Promise<ErofsXattr[]> {
    const checksum = await fileChecksum(inode);
    const target = `/${checksum.slice(0, 2)}/${checksum.slice(2)}.file`;
    return [
      {
        name: "trusted.overlay.metacopy",
        value: this.#verity ? await this.#metacopy(inode, checksum) : new Uint8Array(),
      },
      { name: "trusted.overlay.redirect", value: utf8(target) },
    ];
  }

  /** Version 0, length 36, flags 0, algorithm 1 (SHA-256), digest. */
  async #metacopy(inode: FileInode, checksum: string): Promise<Uint8Array> {
    let digest = this.#digests.get(checksum);
    if (digest === undefined) {
      digest = await fsVerityDigest(inode.content);
      this.#digests.set(checksum, digest);
    }
    return concatBytes([Uint8Array.of(0, 36, 0, 1), digest]);
  }

  #metadata(
    inode: Inode,
    overlay: readonly ErofsXattr[] = [],
  ): Pick<ErofsNode, "mode" | "uid" | "gid" | "mtimeSeconds" | "xattrs"> {
    const { mode, uid, gid, xattrs } = inode;
    if (xattrs.some(({ name }) => name.startsWith("system.posix_acl_"))) this.hasAcl = true;
    return { mode, uid, gid, mtimeSeconds: 0, xattrs: sortXattrs([...xattrs.map(escapeOverlay), ...overlay]) };
  }
}

/** overlayfs hides its own xattrs; the image's own are escaped so that they survive. */
function escapeOverlay({ name, value }: ErofsXattr): ErofsXattr {
  const prefix = "trusted.overlay.";
  return { name: name.startsWith(prefix) ? `${prefix}overlay.${name.slice(prefix.length)}` : name, value };
}

function sortXattrs(xattrs: ErofsXattr[]): ErofsXattr[] {
  return xattrs.length < 2 ? xattrs : xattrs.sort((a, b) => compareByteStrings(a.name, b.name));
}

/** The root is opaque, and hides the object folders 00…ff of the data layer below it. */
function withWhiteouts(root: ErofsDirectory): ErofsDirectory {
  const { uid, gid, mtimeSeconds } = root;
  const xattrs = root.xattrs.filter(({ name }) => name === "security.selinux");
  const entries = new Map(root.entries);
  for (let number = 0; number < 256; number++) {
    const name = number.toString(16).padStart(2, "0");
    if (!entries.has(name))
      entries.set(name, { type: "character", mode: 0o644, uid, gid, mtimeSeconds, xattrs, rdev: 0 });
  }
  return {
    ...root,
    entries,
    xattrs: sortXattrs([...root.xattrs, { name: "trusted.overlay.opaque", value: utf8("y") }]),
  };
}
