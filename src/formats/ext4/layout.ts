// A tree as an ext4 image: a pure function. Metadata lies in memory, file data is referred to where it is; nothing is
// read or written here. Order on disk: fixed metadata, resize map, journal, directories, attributes and long links, then
// the files in the order in which their data lies in its sources, so that an encoder reads each source front to back.
import type { Content, Extent, Source } from "../../base/io/index.ts";
import { BlockAllocator, type BlockRun } from "./allocate.ts";
import { type Census, fileRuns, type PlannedInode } from "./census.ts";
import { fileSystemSeed, inodeSeed } from "./checksum.ts";
import { encodeDirectory } from "./directory.ts";
import { buildExtentTree, extentsOf, type FileExtent } from "./extent-tree.ts";
import { BLOCK_SIZE, FAST_SYMLINK_BYTES, FILE_TYPE, INODE, INODE_FLAG, MAX_LINKS } from "./format.ts";
import { fixedRanges, type Geometry, type GroupLayout, layoutGroups } from "./geometry.ts";
import { putGroups } from "./groups.ts";
import { ImageBuilder } from "./image.ts";
import { deviceMap, immutableFlag, type InodeRecord, modeOf, symlinkMap } from "./inode.ts";
import { InodeTables } from "./inode-table.ts";
import type { FsDirectory, FsFile } from "./input.ts";
import { journalSuperblock } from "./journal.ts";
import { censusOf, type Ext4Options, planExt4 } from "./plan.ts";
import { resizeInode } from "./resize-inode.ts";
import { sealXattrBlock } from "./xattr.ts";
import { byteStringToBytes } from "../../base/bytes/index.ts";

/** Throws what `planExt4` throws. The content has exactly `options.sizeBytes`. */
export function layoutExt4(tree: FsDirectory | Census, options: Ext4Options): Content {
  const census = censusOf(tree, options);
  const { geometry } = planExt4(census, options);
  return new Layout(census, geometry, options).run();
}

/** Where an inode's blocks are. */
interface Placement {
  readonly map: Uint8Array;
  readonly blocks: number;
}

const NO_BLOCKS: Placement = { map: new Uint8Array(0), blocks: 0 };

class Layout {
  readonly #census: Census;
  readonly #geometry: Geometry;
  readonly #options: Ext4Options;
  readonly #groups: GroupLayout[];
  readonly #fsSeed: number;
  readonly #blocks: BlockAllocator;
  readonly #tables: InodeTables;
  readonly #image = new ImageBuilder();
  readonly #directories: Uint32Array;

  constructor(census: Census, geometry: Geometry, options: Ext4Options) {
    this.#census = census;
    this.#geometry = geometry;
    this.#options = options;
    this.#groups = layoutGroups(geometry);
    this.#fsSeed = fileSystemSeed(options.uuid);
    this.#blocks = new BlockAllocator(fixedRanges(geometry, this.#groups), geometry.blockCount);
    this.#tables = new InodeTables(geometry, census.lastInode, this.#fsSeed);
    this.#directories = new Uint32Array(geometry.groupCount);
  }

  run(): Content {
    this.#placeResizeInode();
    const journal = this.#placeJournal();
    const { inodes } = this.#census;
    for (const inode of inodes) if (inode.node.type === "directory") this.#placeDirectory(inode);
    for (const block of this.#census.xattrBlocks) {
      block.at = this.#takeBlock();
      this.#image.put(block.at, sealXattrBlock(block.bytes, block.references, block.at, this.#fsSeed));
    }
    for (const inode of inodes) this.#placeSmall(inode);
    for (const inode of inReadingOrder(inodes)) this.#placeFile(inode, inode.node as FsFile);
    this.#tables.put(this.#image, this.#groups);
    putGroups(
      this.#image,
      {
        geometry: this.#geometry,
        groups: this.#groups,
        fixed: fixedRanges(this.#geometry, this.#groups),
        cursor: this.#blocks.cursor,
        lastInode: this.#census.lastInode,
        directories: this.#directories,
        fsSeed: this.#fsSeed,
        journal,
      },
      this.#options,
    );
    return this.#image.finish(this.#options.sizeBytes);
  }

  #placeResizeInode(): void {
    if (this.#geometry.reservedDescriptorBlocks === 0) return;
    const at = this.#takeBlock();
    const resize = resizeInode(this.#geometry, at);
    this.#image.put(at, resize.doubleIndirect);
    this.#image.put(resize.reservedAt, resize.reserved);
    this.#setOwnInode(INODE.resize, resize, resize.sizeBytes, 0);
  }

  #placeJournal(): { readonly map: Uint8Array; readonly sizeBytes: number } | undefined {
    const count = this.#geometry.journalBlocks;
    if (count === 0) return undefined;
    const runs = this.#blocks.allocate(count);
    const placement = this.#mapBlocks(INODE.journal, extentsOf(0, runs), count);
    this.#image.put((runs[0] as BlockRun).start, journalSuperblock(count, this.#options.uuid));
    this.#setOwnInode(INODE.journal, placement, count * BLOCK_SIZE, INODE_FLAG.extents);
    return { map: placement.map, sizeBytes: count * BLOCK_SIZE };
  }

  /** An inode of the file system itself. */
  #setOwnInode(number: number, placement: Placement, sizeBytes: number, flags: number): void {
    this.#tables.set(number, {
      mode: FILE_TYPE.file.mode + 0o600,
      uid: 0,
      gid: 0,
      sizeBytes,
      links: 1,
      blocks: placement.blocks,
      flags,
      map: placement.map,
      xattrBlock: 0,
      inlineXattrs: undefined,
      mtimeSeconds: this.#options.epochSeconds,
      ctimeSeconds: this.#options.epochSeconds,
    });
  }

  /** Blocks of directories come first; their inodes are set with the small ones, when attribute blocks have a place. */
  #placeDirectory(inode: PlannedInode): void {
    const plan = inode.directory;
    if (plan === undefined) return;
    const seed = inodeSeed(this.#fsSeed, inode.number);
    const runs = this.#blocks.allocate(plan.blockCount);
    this.#image.putRuns(runs, encodeDirectory(plan, inode.number, inode.parent?.number ?? INODE.root, seed));
    this.#placements.set(inode, this.#mapBlocks(inode.number, extentsOf(0, runs), plan.blockCount));
    const group = this.#tables.groupOf(inode.number);
    this.#directories[group] = (this.#directories[group] as number) + 1;
  }

  readonly #placements = new Map<PlannedInode, Placement>();

  /** Everything but files. */
  #placeSmall(inode: PlannedInode): void {
    const { node } = inode;
    switch (node.type) {
      case "file":
        return;
      case "directory": {
        const index = inode.directory?.index === undefined ? 0 : INODE_FLAG.index;
        const sizeBytes = (inode.directory?.blockCount ?? 0) * BLOCK_SIZE;
        this.#setInode(inode, this.#placements.get(inode) ?? NO_BLOCKS, sizeBytes, INODE_FLAG.extents + index);
        return;
      }
      case "symlink":
        this.#placeSymlink(inode, node.target);
        return;
      case "character":
      case "block":
        this.#setInode(inode, { map: deviceMap(node), blocks: 0 }, 0, 0);
        return;
      case "fifo":
      case "socket":
        this.#setInode(inode, NO_BLOCKS, 0, 0);
    }
  }

  #placeSymlink(inode: PlannedInode, target: string): void {
    if (target.length < FAST_SYMLINK_BYTES) {
      this.#setInode(inode, { map: symlinkMap(target), blocks: 0 }, target.length, 0);
      return;
    }
    const runs = this.#blocks.allocate(1);
    const block = new Uint8Array(BLOCK_SIZE);
    block.set(byteStringToBytes(target));
    this.#image.putRuns(runs, block);
    this.#setInode(inode, this.#mapBlocks(inode.number, extentsOf(0, runs), 1), target.length, INODE_FLAG.extents);
  }

  #placeFile(inode: PlannedInode, node: FsFile): void {
    let count = 0;
    const extents: FileExtent[] = [];
    for (const run of fileRuns(node.content)) {
      extents.push(...extentsOf(run.logical, this.#blocks.allocate(run.count)));
      count += run.count;
    }
    this.#image.putFile(node.content, extents);
    this.#setInode(inode, this.#mapBlocks(inode.number, extents, count), node.content.sizeBytes, INODE_FLAG.extents);
  }

  #mapBlocks(number: number, extents: readonly FileExtent[], count: number): Placement {
    const tree = buildExtentTree(extents, inodeSeed(this.#fsSeed, number), () => this.#takeBlock());
    for (const block of tree.blocks) this.#image.put(block.at, block.bytes);
    return { map: tree.root, blocks: count + tree.blocks.length };
  }

  #setInode(inode: PlannedInode, placement: Placement, sizeBytes: number, flags: number): void {
    const { node, xattrBlock } = inode;
    const uncounted = node.type === "directory" && inode.links > MAX_LINKS;
    const record: InodeRecord = {
      mode: modeOf(node),
      uid: node.uid,
      gid: node.gid,
      sizeBytes,
      links: uncounted ? 1 : inode.links,
      blocks: placement.blocks + (xattrBlock === undefined ? 0 : 1),
      flags: flags + immutableFlag(node),
      map: placement.map,
      xattrBlock: xattrBlock?.at ?? 0,
      inlineXattrs: inode.inlineXattrs,
      mtimeSeconds: node.mtimeSeconds,
      ctimeSeconds: this.#options.epochSeconds,
    };
    this.#tables.set(inode.number, record);
  }

  #takeBlock(): number {
    return (this.#blocks.allocate(1)[0] as BlockRun).start;
  }
}

/** Files by the place of their first byte: sources in order of appearance, each from front to back. */
function inReadingOrder(inodes: readonly PlannedInode[]): PlannedInode[] {
  const files = inodes.filter((inode) => inode.node.type === "file");
  const sources = new Map<Source, number>();
  const firstExtent = (inode: PlannedInode): Extent | undefined => (inode.node as FsFile).content.extents[0];
  for (const inode of files) {
    const source = firstExtent(inode)?.source;
    if (source !== undefined && !sources.has(source)) sources.set(source, sources.size);
  }
  const sourceOf = (extent: Extent | undefined): number =>
    extent === undefined ? -1 : (sources.get(extent.source) ?? -1);
  return files.sort((a, b) => {
    const left = firstExtent(a);
    const right = firstExtent(b);
    const bySource = left?.source === right?.source ? 0 : sourceOf(left) - sourceOf(right);
    return bySource || (left?.sourceOffset ?? 0) - (right?.sourceOffset ?? 0) || a.number - b.number;
  });
}
