// The resize inode (7) owns the blocks that are reserved behind the descriptors, so that the table can grow while the
// file system is mounted. Its double indirect block maps descriptor block n at slot n mod 1024 to the primary reserved
// block; that block lists the same block in each copy, in order of the groups. Source: fs/ext4/resize.c
// (reserve_backup_gdb, verify_reserved_gdb).
import { viewOf } from "../../base/bytes/index.ts";
import { BLOCK_SIZE, BLOCKS_PER_GROUP } from "./format.ts";
import { backupGroups, type Geometry } from "./geometry.ts";

const POINTERS: number = BLOCK_SIZE / 4;
const DIRECT_POINTERS = 12;

export interface ResizeInode {
  readonly sizeBytes: number;
  readonly blocks: number;
  /** i_block: 60 bytes. */
  readonly map: Uint8Array;
  readonly doubleIndirect: Uint8Array;
  /** The primary reserved blocks, one after the other, from block `reservedAt`. */
  readonly reserved: Uint8Array;
  readonly reservedAt: number;
}

export function resizeInode(geometry: Geometry, doubleIndirectAt: number): ResizeInode {
  const { reservedDescriptorBlocks: count, descriptorBlocks } = geometry;
  const copies = backupGroups(geometry.groupCount);
  const reservedAt = 1 + descriptorBlocks;
  const map = new Uint8Array(60);
  viewOf(map).setUint32((DIRECT_POINTERS + 1) * 4, doubleIndirectAt, true);
  const doubleIndirect = new Uint8Array(BLOCK_SIZE);
  const reserved = new Uint8Array(count * BLOCK_SIZE);
  const reservedView = viewOf(reserved);
  for (let index = 0; index < count; index++) {
    viewOf(doubleIndirect).setUint32(((descriptorBlocks + index) % POINTERS) * 4, reservedAt + index, true);
    copies.forEach((group, slot) => {
      reservedView.setUint32(index * BLOCK_SIZE + slot * 4, reservedAt + index + group * BLOCKS_PER_GROUP, true);
    });
  }
  return {
    sizeBytes: (POINTERS * POINTERS + POINTERS + DIRECT_POINTERS) * BLOCK_SIZE,
    blocks: 1 + count * (1 + copies.length),
    map,
    doubleIndirect,
    reserved,
    reservedAt,
  };
}
