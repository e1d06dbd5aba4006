// A filtered layer becomes a tree the way `ostree commit --tree=tar= --tar-autocreate-parents` builds it
// (docs/formats/ostree.md): a missing parent re-stamps every ancestor, hard links are resolved after all entries,
// a later entry replaces an earlier one of its kind. Beyond it, hard links may lead to files of the layers below, as
// container engines allow. Refuses devices, FIFOs, and files over directories.
import { type ByteString, printable } from "../../base/bytes/index.ts";
import {
  type DirectoryInode,
  type FileInode,
  type LayerEntry,
  lookup,
  type Metadata,
  type SymlinkInode,
} from "../../tree/index.ts";
import { unsupportedFile } from "../commit-tree.ts";
import { OstreeError } from "../errors.ts";
import type { FilteredEntry } from "./filter.ts";

type LayerDirectory = { -readonly [Key in keyof Omit<DirectoryInode, "entries">]: DirectoryInode[Key] } & {
  entries: Map<ByteString, LayerInode>;
};
type LayerInode = LayerDirectory | FileInode | SymlinkInode;

const NO_METADATA: Metadata = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [] };

export class LayerTreeBuilder {
  readonly #root: LayerDirectory = newDirectory(NO_METADATA);
  readonly #links: {
    readonly parent: LayerDirectory;
    readonly path: readonly ByteString[];
    readonly target: readonly ByteString[];
  }[] = [];

  /** Throws UNSUPPORTED_FILE or BAD_LAYER. */
  add({ entry, path, target }: FilteredEntry): void {
    const name = path.at(-1);
    if (name === undefined) {
      if (entry.type !== "directory") throw badLayer(path, `a ${entry.type} cannot be the root`);
      stamp(this.#root, metadataOf(entry));
      return;
    }
    const parent = this.#parentOf(path, entry);
    switch (entry.type) {
      case "directory":
        addDirectory(parent, name, entry, path);
        break;
      case "file":
        replaceFile(parent, name, fileOf(entry), path);
        break;
      case "symlink":
        replaceFile(parent, name, { ...metadataOf(entry), mode: 0o777, type: "symlink", target: entry.target }, path);
        break;
      case "hardlink":
        this.#links.push({ parent, path, target });
        break;
      default:
        throw unsupportedFile(path.join("/"), entry.type);
    }
  }

  /**
   * Resolves the hard links, in this layer or else in the merged layers below; the builder is used up. Throws BAD_LAYER
   * for a link without a target.
   */
  finish(below?: DirectoryInode): DirectoryInode {
    for (const { parent, path, target } of this.#links) {
      const inode = this.#lookup(target) ?? (below && lookup(below, target.join("/")));
      if (inode?.type !== "file" && inode?.type !== "symlink") {
        const found = inode === undefined ? "nothing" : `a ${inode.type}`;
        throw badLayer(path, `it is a hard link to "${printable(target.join("/"))}", where there is ${found}`);
      }
      replaceFile(parent, path.at(-1) ?? "", inode, path);
    }
    return this.#root;
  }

  /** The directory that holds `path`. Where an ancestor is missing, all of them get the entry's owner and mode 0755. */
  #parentOf(path: readonly ByteString[], entry: LayerEntry): LayerDirectory {
    let directory = this.#root;
    for (let index = 0; index < path.length - 1; index++) {
      const next = directory.entries.get(path[index] ?? "");
      if (next === undefined) return this.#createParents(path, entry);
      if (next.type !== "directory")
        throw badLayer(path, `its parent "${printable(path.slice(0, index + 1).join("/"))}" is a ${next.type}`);
      directory = next;
    }
    return directory;
  }

  #createParents(path: readonly ByteString[], entry: LayerEntry): LayerDirectory {
    const metadata = { ...NO_METADATA, uid: entry.uid, gid: entry.gid };
    let directory = this.#root;
    stamp(directory, metadata);
    for (const name of path.slice(0, -1)) {
      let next = directory.entries.get(name);
      if (next === undefined) {
        next = newDirectory(metadata);
        directory.entries.set(name, next);
      }
      if (next.type !== "directory") throw badLayer(path, `its parent "${printable(name)}" is a ${next.type}`);
      stamp(next, metadata);
      directory = next;
    }
    return directory;
  }

  #lookup(path: readonly ByteString[]): LayerInode | undefined {
    let inode: LayerInode | undefined = this.#root;
    for (const name of path) inode = inode?.type === "directory" ? inode.entries.get(name) : undefined;
    return inode;
  }
}

function newDirectory(metadata: Metadata): LayerDirectory {
  return { ...metadata, type: "directory", entries: new Map() };
}

function stamp(directory: LayerDirectory, { mode, uid, gid, xattrs }: Metadata): void {
  directory.mode = mode;
  directory.uid = uid;
  directory.gid = gid;
  directory.xattrs = xattrs;
}

function metadataOf({ mode, uid, gid, xattrs }: LayerEntry): Metadata {
  return { mode: mode & 0o7777, uid, gid, xattrs, mtimeSeconds: 0 };
}

function fileOf(entry: LayerEntry): FileInode {
  const inode: FileInode = { ...metadataOf(entry), type: "file", content: entry.content };
  return entry.ostreeChecksum === undefined ? inode : { ...inode, ostreeChecksum: entry.ostreeChecksum };
}

/** A directory that is there already gets the new metadata and keeps its children. */
function addDirectory(parent: LayerDirectory, name: ByteString, entry: LayerEntry, path: readonly ByteString[]): void {
  const existing = parent.entries.get(name);
  if (existing === undefined) parent.entries.set(name, newDirectory(metadataOf(entry)));
  else if (existing.type === "directory") stamp(existing, metadataOf(entry));
  else throw badLayer(path, `it is a directory, and the same layer has a ${existing.type} of that name`);
}

function replaceFile(
  parent: LayerDirectory,
  name: ByteString,
  inode: FileInode | SymlinkInode,
  path: readonly ByteString[],
): void {
  if (parent.entries.get(name)?.type === "directory") {
    throw badLayer(path, `it is a ${inode.type}, and the same layer has a directory "${printable(name)}" there`);
  }
  parent.entries.set(name, inode);
}

function badLayer(path: readonly ByteString[], found: string): OstreeError {
  const shown = printable(`/${path.join("/")}`);
  return new OstreeError("BAD_LAYER", `cannot import layer entry "${shown}": ${found}`, { data: { path: shown } });
}
