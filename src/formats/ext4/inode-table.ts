// The inode tables of the groups that have inodes in use; the tables of the others are holes.
import { encodeInode, type InodeRecord } from "./inode.ts";
import { alignUp } from "../../base/bytes/index.ts";
import { BLOCK_SIZE, INODE_SIZE } from "./format.ts";
import type { Geometry, GroupLayout } from "./geometry.ts";
import type { ImageBuilder } from "./image.ts";

export class InodeTables {
  readonly #geometry: Geometry;
  readonly #lastInode: number;
  readonly #fsSeed: number;
  readonly #tables: Uint8Array[] = [];

  constructor(geometry: Geometry, lastInode: number, fsSeed: number) {
    this.#geometry = geometry;
    this.#lastInode = lastInode;
    this.#fsSeed = fsSeed;
  }

  groupOf(number: number): number {
    return Math.floor((number - 1) / this.#geometry.inodesPerGroup);
  }

  set(number: number, record: InodeRecord): void {
    const at = ((number - 1) % this.#geometry.inodesPerGroup) * INODE_SIZE;
    encodeInode(this.#table(this.groupOf(number)), at, number, record, this.#fsSeed);
  }

  #table(group: number): Uint8Array {
    let table = this.#tables[group];
    if (table === undefined) {
      const used = Math.min(this.#lastInode - group * this.#geometry.inodesPerGroup, this.#geometry.inodesPerGroup);
      table = new Uint8Array(alignUp(used * INODE_SIZE, BLOCK_SIZE));
      this.#tables[group] = table;
    }
    return table;
  }

  put(image: ImageBuilder, groups: readonly GroupLayout[]): void {
    this.#tables.forEach((table, index) => image.put((groups[index] as GroupLayout).inodeTableAt, table));
  }
}
