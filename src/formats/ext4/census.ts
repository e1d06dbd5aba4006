// One walk over the input: every inode gets its number, its links and what it needs on disk, before any size is fixed.
// Parents come first, siblings in bytewise order, so numbers depend on the input alone. Refuses names that no directory
// can hold, directories with two names, and what ext4 cannot store.
import { type ByteString, bytesToByteString, ceilDiv, printable } from "../../base/bytes/index.ts";
import type { Content } from "../../base/io/index.ts";
import { type DirectoryEntry, type DirectoryPlan, planDirectory } from "./directory.ts";
import { Ext4Error } from "./errors.ts";
import { treeBlockCount } from "./extent-tree.ts";
import {
  BLOCK_SIZE,
  BLOCKS_PER_GROUP,
  DIRECTORY,
  EXTENT,
  FAST_SYMLINK_BYTES,
  INODE,
  MAX_FILE_BLOCKS,
  MAX_LINKS,
  MAX_NAME_BYTES,
  XATTR,
} from "./format.ts";
import type { HashSeed } from "./hash.ts";
import type { FsDirectory, FsNode } from "./input.ts";
import { NO_XATTRS, planXattrs, type XattrPlan } from "./xattr.ts";

/** `count` blocks of a file from its block `logical` that hold data. */
export interface FileRun {
  readonly logical: number;
  readonly count: number;
}

/** A block of extended attributes; `at` is set when it is placed. */
export interface SharedXattrBlock {
  readonly bytes: Uint8Array;
  references: number;
  at: number;
}

/** An inode on its way to disk. */
export interface PlannedInode {
  readonly number: number;
  readonly node: FsNode;
  /** Undefined for the root. */
  readonly parent: PlannedInode | undefined;
  readonly name: ByteString;
  /** Names, or 2 and the subdirectories. */
  links: number;
  readonly inlineXattrs: Uint8Array | undefined;
  readonly xattrBlock: SharedXattrBlock | undefined;
  directory: DirectoryPlan | undefined;
}

export interface Census {
  /** In order of their numbers: root, lost+found, then 12, 13, … */
  readonly inodes: readonly PlannedInode[];
  readonly xattrBlocks: readonly SharedXattrBlock[];
  readonly lastInode: number;
  /** Blocks for content, directories, links, attributes and (at most) extent trees. */
  readonly blocks: number;
  /** Bytes of file data, whole blocks. */
  readonly fileBytes: number;
}

const LOST_AND_FOUND = "lost+found";

export function takeCensus(root: FsDirectory, seed: HashSeed, epochSeconds: number): Census {
  return new Walk(seed).run(root, epochSeconds);
}

class Walk {
  readonly #seed: HashSeed;
  readonly #inodes: PlannedInode[] = [];
  /** The inode that takes further names of a node. */
  readonly #known = new Map<FsNode, PlannedInode>();
  readonly #xattrBlocks: SharedXattrBlock[] = [];
  readonly #xattrPlans = new Map<string, XattrPlan>();
  /** The block on disk that takes further references to a planned one. */
  readonly #sharing = new Map<Uint8Array, SharedXattrBlock>();
  #nextInode = INODE.first + 1;
  #blocks = 0;
  #fileBlocks = 0;

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  run(root: FsDirectory, epochSeconds: number): Census {
    const rootInode = this.#add(INODE.root, root, undefined, "");
    const entries = new Map(root.entries);
    const lostAndFound = entries.get(LOST_AND_FOUND) ?? emptyLostAndFound(epochSeconds);
    if (lostAndFound.type !== "directory") {
      throw new Ext4Error(
        "BAD_TREE",
        `cannot lay out /${LOST_AND_FOUND}: found a ${lostAndFound.type}, e2fsck wants a directory`,
      );
    }
    entries.set(LOST_AND_FOUND, lostAndFound);
    this.#add(INODE.lostAndFound, lostAndFound, rootInode, LOST_AND_FOUND);
    const stack: { inode: PlannedInode; entries: ReadonlyMap<ByteString, FsNode> }[] = [{ inode: rootInode, entries }];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const subdirectories = this.#enter(next.inode, next.entries);
      for (let index = subdirectories.length - 1; index >= 0; index--) {
        const inode = subdirectories[index] as PlannedInode;
        stack.push({ inode, entries: (inode.node as FsDirectory).entries });
      }
    }
    return {
      inodes: this.#inodes,
      xattrBlocks: this.#xattrBlocks,
      lastInode: this.#nextInode - 1,
      blocks: this.#blocks,
      fileBytes: this.#fileBlocks * BLOCK_SIZE,
    };
  }

  /** Plans a directory's children and blocks; returns its subdirectories. */
  #enter(directory: PlannedInode, entries: ReadonlyMap<ByteString, FsNode>): PlannedInode[] {
    const subdirectories: PlannedInode[] = [];
    const planned: DirectoryEntry[] = [];
    for (const [name, node] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (name === "" || name.length > MAX_NAME_BYTES || name === "." || name === ".." || /[/\0]/.test(name)) {
        throw new Ext4Error(
          "BAD_NAME",
          `cannot store name "${printable(name)}" in ${describe(directory)}: want 1 to ${MAX_NAME_BYTES} bytes without "/" and NUL, other than "." and ".."`,
        );
      }
      const inode = this.#nameOf(node, directory, name);
      if (node.type === "directory") subdirectories.push(inode);
      planned.push({ name, inode });
    }
    const minBlocks = directory.number === INODE.lostAndFound ? DIRECTORY.lostAndFoundBlocks : 1;
    const plan = planDirectory(planned, this.#seed, minBlocks);
    if (plan === undefined) {
      throw new Ext4Error(
        "DIRECTORY_TOO_LARGE",
        `cannot store ${describe(directory)}: its ${planned.length} names need a hash tree of more than two levels`,
      );
    }
    directory.directory = plan;
    directory.links = 2 + subdirectories.length;
    this.#blocks += plan.blockCount + treeBlockBound(1, plan.blockCount);
    return subdirectories;
  }

  /** The inode for one more name of a node. Past MAX_LINKS names a fresh copy takes over. */
  #nameOf(node: FsNode, parent: PlannedInode, name: ByteString): PlannedInode {
    const known = this.#known.get(node);
    if (known === undefined) return this.#add(this.#nextInode++, node, parent, name);
    if (known.number === INODE.lostAndFound && known.name === name && known.parent === parent) return known;
    if (node.type === "directory") {
      throw new Ext4Error(
        "BAD_TREE",
        `cannot store directory "${printable(name)}" in ${describe(parent)}: it is also ${describe(known)}`,
      );
    }
    if (known.links === MAX_LINKS) return this.#add(this.#nextInode++, node, parent, name);
    known.links++;
    return known;
  }

  #add(number: number, node: FsNode, parent: PlannedInode | undefined, name: ByteString): PlannedInode {
    const where = { parent, name };
    const xattrs = this.#planXattrs(node, where);
    this.#demand(node, where);
    const inode: PlannedInode = {
      number,
      node,
      parent,
      name,
      links: 1,
      inlineXattrs: xattrs.inline,
      xattrBlock: xattrs.block === undefined ? undefined : this.#share(xattrs.block),
      directory: undefined,
    };
    this.#inodes.push(inode);
    this.#known.set(node, inode);
    return inode;
  }

  /** A system has thousands of files and a few dozen combinations of labels. */
  #planXattrs(node: FsNode, where: Named): XattrPlan {
    if (node.xattrs.length === 0) return NO_XATTRS;
    const key = node.xattrs.map(({ name, value }) => `${name}\0${value.length}\0${bytesToByteString(value)}`).join("");
    let plan = this.#xattrPlans.get(key);
    if (plan === undefined) {
      plan = planXattrs(node.xattrs, () => describe(where));
      this.#xattrPlans.set(key, plan);
    }
    return plan;
  }

  #demand(node: FsNode, where: Named): void {
    if (node.type === "symlink" && node.target.length >= FAST_SYMLINK_BYTES) {
      if (node.target.length >= BLOCK_SIZE) {
        throw new Ext4Error(
          "SYMLINK_TOO_LONG",
          `cannot store the target of ${describe(where)}: it has ${node.target.length} bytes, want less than ${BLOCK_SIZE}`,
        );
      }
      this.#blocks += 1;
      return;
    }
    if (node.type === "symlink" && node.target === "") {
      throw new Ext4Error("BAD_TREE", `cannot store ${describe(where)}: the link has no target`);
    }
    if (node.type !== "file") return;
    if (ceilDiv(node.content.sizeBytes, BLOCK_SIZE) > MAX_FILE_BLOCKS) {
      throw new Ext4Error(
        "FILE_TOO_LARGE",
        `cannot store ${describe(where)}: it has ${node.content.sizeBytes} bytes, ext4 stores just below 16 TiB`,
      );
    }
    const runs = fileRuns(node.content);
    const count = runs.reduce((sum, run) => sum + run.count, 0);
    this.#fileBlocks += count;
    this.#blocks += count + treeBlockBound(runs.length, count);
  }

  #share(bytes: Uint8Array): SharedXattrBlock {
    const known = this.#sharing.get(bytes);
    if (known !== undefined && known.references < XATTR.maxReferences) {
      known.references++;
      return known;
    }
    const block: SharedXattrBlock = { bytes, references: 1, at: 0 };
    this.#sharing.set(bytes, block);
    this.#xattrBlocks.push(block);
    this.#blocks += 1;
    return block;
  }
}

/** The blocks that hold at least one byte of data; what lies between stays a hole. */
export function fileRuns(content: Content): FileRun[] {
  const runs: { logical: number; count: number }[] = [];
  for (const extent of content.extents) {
    if (extent.length === 0) continue;
    const first = Math.floor(extent.at / BLOCK_SIZE);
    const end = ceilDiv(extent.at + extent.length, BLOCK_SIZE);
    const last = runs.at(-1);
    if (last !== undefined && first <= last.logical + last.count) last.count = end - last.logical;
    else runs.push({ logical: first, count: end - first });
  }
  return runs;
}

/** At most so many tree blocks: an extent may end at each length limit and at each group's fixed metadata. */
function treeBlockBound(runs: number, blocks: number): number {
  return treeBlockCount(runs + Math.floor(blocks / EXTENT.maxBlocks) + 2 * Math.floor(blocks / BLOCKS_PER_GROUP) + 1);
}

function emptyLostAndFound(epochSeconds: number): FsDirectory {
  return { type: "directory", mode: 0o700, uid: 0, gid: 0, mtimeSeconds: epochSeconds, xattrs: [], entries: new Map() };
}

interface Named {
  readonly parent: PlannedInode | undefined;
  readonly name: ByteString;
}

/** For messages: the first path of an inode. */
function describe(inode: Named): string {
  const names: ByteString[] = [];
  for (let at: Named | undefined = inode; at?.parent !== undefined; at = at.parent) names.push(at.name);
  return `/${printable(names.reverse().join("/"))}`;
}
