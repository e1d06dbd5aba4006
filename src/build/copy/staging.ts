// The layer of one COPY or ADD in the making, as a file system would show it: entries are put one after another over
// what is there, each replacing what it meets; paths to them lead through symbolic links inside the target, those of the
// layer included. As buildah has it, a directory over anything else replaces it, over a directory brings its metadata;
// anything over a directory replaces all of it. Kept: only what the layer holds, not the target.
import { type ByteString, printable } from "../../base/bytes/index.ts";
import { EMPTY_CONTENT } from "../../base/io/index.ts";
import {
  baseName,
  parentOf,
  directory,
  type DirectoryInode,
  type Inode,
  type LayerEntry,
  OPAQUE_WHITEOUT,
  WHITEOUT_PREFIX,
} from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { resolvePath } from "../resolve-path.ts";
import type { Owner } from "./owner.ts";
import { assertPathLength, joinPath } from "./paths.ts";
import type { CopyTarget } from "./target.ts";

export interface StagingOptions {
  /** Of directories that are made on the way. */
  readonly owner: Owner;
  /** Their time; the newest of all that is put unless given. */
  readonly epochSeconds?: number;
  /** --link: symbolic links of the target are not followed but replaced. */
  readonly follow: boolean;
}

export class Staging {
  readonly #onto: CopyTarget;
  readonly #options: StagingOptions;
  readonly #planned = new Map<ByteString, Inode>();
  /** Directories that are new, or replace something else: of the target there is nothing below them. */
  readonly #fresh = new Set<ByteString>();
  /** Those of them that the target has too: something of the layer stood there in between. */
  readonly #opaque = new Set<ByteString>();
  /** Made on the way. */
  readonly #made = new Set<Inode>();
  /** Directories as they were asked for, to their real path. */
  readonly #real = new Map<ByteString, ByteString>();
  #newestSeconds: number | undefined;

  constructor(onto: CopyTarget, options: StagingOptions) {
    this.#onto = onto;
    this.#options = options;
  }

  /** What is at a path whose parents are real directories. */
  async lstat(path: ByteString): Promise<Inode | undefined> {
    const planned = this.#planned.get(path);
    if (planned !== undefined || this.#isBelowFresh(path)) return planned;
    if (path === "") return (await this.#onto.lstat("")) ?? directory();
    return await this.#onto.lstat(path);
  }

  /** The real path of a directory to put things into; it and its parents are made where there are none. */
  async directory(path: ByteString): Promise<ByteString> {
    const known = this.#real.get(path);
    if (known !== undefined) return known;
    let real: ByteString = "";
    if (path !== "") {
      real = joinPath(await this.directory(parentOf(path)), baseName(path));
      const there = await this.lstat(real);
      if (there?.type === "symlink" && this.#options.follow)
        real = await this.directory((await resolvePath((at) => this.lstat(at), real)).path);
      else await this.#make(real, path);
    }
    this.#real.set(path, real).set(real, real);
    return real;
  }

  /** Puts something into a directory that `directory` has returned. */
  async put(parent: ByteString, name: ByteString, inode: Inode): Promise<void> {
    if (name.startsWith(WHITEOUT_PREFIX))
      throw new BuildError(
        "BAD_VALUE",
        `cannot copy "${printable(joinPath(parent, name))}": in a layer such a name deletes a file`,
        {
          hint: "Rename it, or exclude it in .containerignore",
        },
      );
    const path = joinPath(parent, name);
    assertPathLength(path);
    const there = await this.lstat(path);
    const isDirectory = inode.type === "directory";
    if (there === undefined) this.#markNew(path, isDirectory);
    else if (!(isDirectory && there.type === "directory")) await this.#replace(path, there, isDirectory);
    this.#newestSeconds = Math.max(this.#newestSeconds ?? inode.mtimeSeconds, inode.mtimeSeconds);
    this.#planned.set(path, inode);
  }

  /** Gives a directory that `directory` has returned other metadata. */
  describe(path: ByteString, inode: DirectoryInode): void {
    this.#planned.set(path, inode);
  }

  /** The layer's entries, sorted; of several names of one file the first holds it. */
  entries(): LayerEntry[] {
    const firstNames = new Map<Inode, ByteString>();
    return [...this.#planned.keys()].sort().flatMap((path) => {
      const inode = this.#planned.get(path) as Inode;
      const first = firstNames.get(inode);
      if (first === undefined && inode.type === "file") firstNames.set(inode, path);
      const entry = entryOf(path, inode, first, this.#made.has(inode) ? this.#madeSeconds : inode.mtimeSeconds);
      return inode.type === "directory" && this.#opaque.has(path) ? [entry, opaqueIn(entry)] : [entry];
    });
  }

  get #madeSeconds(): number {
    return this.#options.epochSeconds ?? this.#newestSeconds ?? 0;
  }

  /** A directory that is there is no part of the layer. */
  async #make(real: ByteString, path: ByteString): Promise<void> {
    const there = await this.lstat(real);
    if (there?.type === "directory") return;
    if (there === undefined) this.#markNew(real, true);
    else {
      if (this.#options.follow)
        throw new BuildError("BAD_VALUE", `cannot copy into "/${printable(path)}": it is a ${there.type}`);
      await this.#replace(real, there, true);
    }
    const { uid, gid } = this.#options.owner;
    const made = directory({ uid, gid });
    this.#made.add(made);
    this.#planned.set(real, made);
  }

  async #replace(path: ByteString, there: Inode, byDirectory: boolean): Promise<void> {
    if (byDirectory && !this.#isBelowFresh(path) && (await this.#onto.lstat(path))?.type === "directory")
      this.#opaque.add(path);
    if (there.type === "directory")
      for (const other of this.#planned.keys()) if (other.startsWith(`${path}/`)) this.#planned.delete(other);
    this.#markNew(path, byDirectory);
    // It may have been a link on the way to something, or a directory.
    if (this.#real.has(path)) this.#real.clear();
  }

  #markNew(path: ByteString, isDirectory: boolean): void {
    if (isDirectory) this.#fresh.add(path);
  }

  #isBelowFresh(path: ByteString): boolean {
    if (this.#fresh.size === 0) return false;
    for (let parent = path; parent !== "";) {
      parent = parentOf(parent);
      if (this.#fresh.has(parent)) return true;
    }
    return false;
  }
}

/** Hides what older layers have in a directory. */
function opaqueIn(entry: LayerEntry): LayerEntry {
  return { ...entry, type: "file", path: `${entry.path}/${OPAQUE_WHITEOUT}`, mode: 0, xattrs: [] };
}

function entryOf(path: ByteString, inode: Inode, first: ByteString | undefined, mtimeSeconds: number): LayerEntry {
  const { mode, uid, gid, xattrs } = inode;
  const metadata = { path, mode, uid, gid, mtimeSeconds, xattrs };
  const nothing = { target: "", content: EMPTY_CONTENT, major: 0, minor: 0 };
  if (first !== undefined) return { ...metadata, ...nothing, type: "hardlink", target: first };
  switch (inode.type) {
    case "file":
      return { ...metadata, ...nothing, type: "file", content: inode.content };
    case "symlink":
      return { ...metadata, ...nothing, type: "symlink", target: inode.target };
    case "character":
    case "block":
      return { ...metadata, ...nothing, type: inode.type, major: inode.major, minor: inode.minor };
    case "socket":
      throw new BuildError("UNSUPPORTED", `cannot put "${printable(path)}" into a layer: it is a socket`);
    default:
      return { ...metadata, ...nothing, type: inode.type };
  }
}
