// Layers to one tree (image-spec layer.md, "Applying Changesets"). A layer's whiteouts hide what is below it, never what
// is in it, so a layer is gathered first and then laid over the tree. Its directories win over the older ones' metadata;
// missing parents are made; a path below something that an older layer made a symbolic link or a file replaces that by
// a directory, as the overlay of a container engine shows it: links are never followed. Refused: names that escape,
// entries below a non-directory of the same layer, hard links to nothing or to a directory.
import { type ByteString, printable } from "../base/bytes/index.ts";
import { directory, type DirectoryInode, type Inode, type Metadata } from "./inode.ts";
import { inodeOf, type LayerEntry } from "./layer-entry.ts";
import { lookup, splitPath, TreeError } from "./path.ts";

/** Prefix of a whiteout; such names never are files of a merged tree. */
export const WHITEOUT_PREFIX = ".wh.";
export const OPAQUE_WHITEOUT = ".wh..wh..opq";
/** Bookkeeping of old storage drivers: without meaning. */
const WHITEOUT_META_PREFIX = ".wh..wh.";

export interface ApplyOptions {
  /** False: `.wh.` names are names like any other. True unless told otherwise. */
  readonly whiteouts?: boolean;
}

/** All layers, base first, as one tree. Throws TreeError. */
export function mergeLayers(layers: Iterable<Iterable<LayerEntry>>, options: ApplyOptions = {}): DirectoryInode {
  let root = directory();
  for (const entries of layers) root = applyLayer(root, entries, options);
  return root;
}

/** One more layer over a tree. The old tree is used up: its directories become part of the new one. Throws TreeError. */
export function applyLayer(
  lower: DirectoryInode,
  entries: Iterable<LayerEntry>,
  options: ApplyOptions = {},
): DirectoryInode {
  const layer = new LayerTree(lower, options.whiteouts ?? true);
  for (const entry of entries) layer.add(entry);
  layer.resolveLateLinks();
  return overlay(lower, layer.root);
}

/** What one layer alone says about a path. */
export interface LayerName {
  readonly path: ByteString;
  /** Undefined: a directory that is only the parent of entries, or nothing (then `hides` is true). */
  readonly inode?: Inode;
  readonly isDirectory: boolean;
  /** What the layers below have at this path is hidden: by a whiteout, or because the parent is opaque. */
  readonly hides: boolean;
  /** Of a directory: what the layers below have in it is hidden. */
  readonly isOpaque: boolean;
}

/**
 * Every path that a layer says something about, parents first. Undefined when a hard link leads to another layer or to a
 * later entry: then only all layers together tell what it means. Throws TreeError as `applyLayer`.
 */
export function layerNames(entries: Iterable<LayerEntry>): LayerName[] | undefined {
  const layer = new LayerTree(directory(), true);
  for (const entry of entries) layer.add(entry);
  if (layer.hasLateLinks) return undefined;
  const names: LayerName[] = [];
  flatten(layer.root, "", false, names);
  return names;
}

function flatten(current: LayerDirectory, path: ByteString, hides: boolean, names: LayerName[]): void {
  const { metadata, opaque } = current;
  const inode = metadata === undefined ? {} : { inode: directory(plainMetadata(metadata)) };
  names.push({ path, ...inode, isDirectory: true, hides, isOpaque: opaque });
  const prefix = path === "" ? "" : `${path}/`;
  for (const [name, child] of current.children) {
    const childHides = opaque || current.whiteouts.has(name);
    if (child instanceof LayerDirectory) flatten(child, `${prefix}${name}`, childHides, names);
    else names.push({ path: `${prefix}${name}`, inode: child, isDirectory: false, hides: childHides, isOpaque: false });
  }
  for (const name of current.whiteouts) {
    if (!current.children.has(name))
      names.push({ path: `${prefix}${name}`, isDirectory: false, hides: true, isOpaque: false });
  }
}

/** A directory of the layer that is being applied. */
class LayerDirectory {
  readonly children = new Map<ByteString, LayerDirectory | Exclude<Inode, DirectoryInode>>();
  readonly whiteouts = new Set<ByteString>();
  opaque = false;
  /** Undefined while the directory is only the parent of entries. */
  metadata: Metadata | undefined;
}

class LayerTree {
  readonly root = new LayerDirectory();
  readonly #lower: DirectoryInode;
  readonly #whiteouts: boolean;
  #lateLinks: LayerEntry[] = [];

  constructor(lower: DirectoryInode, whiteouts: boolean) {
    this.#lower = lower;
    this.#whiteouts = whiteouts;
  }

  add(entry: LayerEntry): void {
    const names = splitPath(entry.path);
    const name = names.pop();
    if (name === undefined) {
      if (entry.type !== "directory")
        throw new TreeError("BAD_PATH", `cannot apply a layer: its root is a ${entry.type}`);
      this.root.metadata = entry;
      return;
    }
    const parent = this.#parent(names, entry.path);
    if (this.#whiteouts && name.startsWith(WHITEOUT_PREFIX)) addWhiteout(parent, name, entry.path);
    else if (entry.type === "hardlink") this.#link(parent, name, entry);
    else this.#put(parent, name, entry);
  }

  get hasLateLinks(): boolean {
    return this.#lateLinks.length > 0;
  }

  /** Links whose target comes after them. */
  resolveLateLinks(): void {
    for (const entry of this.#lateLinks) {
      const target = this.#find(entry.target);
      if (target === undefined) {
        throw new TreeError(
          "NOT_FOUND",
          `cannot make hard link "${printable(entry.path)}": its target "${printable(entry.target)}" is in no layer`,
        );
      }
      const names = splitPath(entry.path);
      const name = names.pop() as ByteString;
      this.#parent(names, entry.path).children.set(name, target);
    }
  }

  #parent(names: readonly ByteString[], path: ByteString): LayerDirectory {
    let current = this.root;
    for (const name of names) {
      let next = current.children.get(name);
      if (next === undefined) {
        next = new LayerDirectory();
        current.children.set(name, next);
      }
      if (!(next instanceof LayerDirectory)) {
        throw new TreeError(
          "NOT_A_DIRECTORY",
          `cannot add "${printable(path)}": the same layer makes "${printable(name)}" a ${next.type}`,
        );
      }
      current = next;
    }
    return current;
  }

  #put(parent: LayerDirectory, name: ByteString, entry: LayerEntry): void {
    const inode = inodeOf(entry);
    if (inode === undefined) return;
    if (inode.type !== "directory") {
      parent.children.set(name, inode);
      return;
    }
    const existing = parent.children.get(name);
    const made = existing instanceof LayerDirectory ? existing : new LayerDirectory();
    made.metadata = inode;
    parent.children.set(name, made);
  }

  #link(parent: LayerDirectory, name: ByteString, entry: LayerEntry): void {
    const target = this.#find(entry.target);
    if (target === undefined) this.#lateLinks.push(entry);
    else parent.children.set(name, target);
  }

  /** What a hard link means: this layer's inode at the path so far, else that of the layers below. */
  #find(path: ByteString): Exclude<Inode, DirectoryInode> | undefined {
    let current: LayerDirectory | Inode | undefined = this.root;
    for (const name of splitPath(path)) {
      if (!(current instanceof LayerDirectory)) return undefined;
      current = current.children.get(name);
      if (current === undefined) {
        current = lookup(this.#lower, path);
        break;
      }
    }
    if (current === undefined) return undefined;
    if (current instanceof LayerDirectory || current.type === "directory") {
      throw new TreeError("BAD_PATH", `cannot make a hard link to "${printable(path)}": it is a directory`);
    }
    return current;
  }
}

function addWhiteout(parent: LayerDirectory, name: ByteString, path: ByteString): void {
  if (name === OPAQUE_WHITEOUT) {
    parent.opaque = true;
    return;
  }
  if (name.startsWith(WHITEOUT_META_PREFIX)) return;
  const hidden = name.slice(WHITEOUT_PREFIX.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw new TreeError(
      "BAD_PATH",
      `cannot apply whiteout "${printable(path)}": it hides ${hidden === "" ? "nothing" : `"${hidden}"`}`,
    );
  }
  parent.whiteouts.add(hidden);
}

/** Of a directory that no layer has an entry for. */
export const PARENT_METADATA: Metadata = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [] };

function overlay(lower: DirectoryInode | undefined, upper: LayerDirectory): DirectoryInode {
  const entries = lower === undefined || upper.opaque ? new Map<ByteString, Inode>() : lower.entries;
  for (const name of upper.whiteouts) entries.delete(name);
  for (const [name, child] of upper.children) {
    const below = entries.get(name);
    entries.set(
      name,
      child instanceof LayerDirectory ? overlay(below?.type === "directory" ? below : undefined, child) : child,
    );
  }
  return { ...plainMetadata(upper.metadata ?? lower ?? PARENT_METADATA), type: "directory", entries };
}

function plainMetadata({ mode, uid, gid, mtimeSeconds, xattrs }: Metadata): Metadata {
  return { mode, uid, gid, mtimeSeconds, xattrs };
}
