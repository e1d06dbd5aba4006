// The hash tree of a directory with more than one block: block 0 is the root, then index nodes (when one level is not
// enough), then leaves with the names in order of their hash. Source: Documentation/filesystems/ext4/directory.rst
// ("Hash Tree Directories") and fs/ext4/namei.c. Refuses what needs a third level (large_dir is off).
import { crc32cUpdate, viewOf } from "../../base/bytes/index.ts";
import { crcLong } from "./checksum.ts";
import { BLOCK_SIZE, HTREE } from "./format.ts";
import { halfMd4, type HashSeed } from "./hash.ts";

/** Leaves are filled to four fifths, as e2fsck -D does, so that the first new names need no split. */
const LEAF_FILL: number = Math.floor((BLOCK_SIZE - 12) * 0.8);
const NODE_FILL = 450;

export interface HtreeLeaf<E> {
  /** Of the first name; bit 0 set when the leaf before ends with the same hash. */
  readonly hash: number;
  readonly entries: readonly E[];
}

export interface HtreePlan<E> {
  readonly leaves: readonly HtreeLeaf<E>[];
  /** Index nodes between root and leaves; 0 or 2 … 506. */
  readonly nodeCount: number;
}

/** Undefined when two levels are not enough. */
export function planHtree<E extends { readonly name: string }>(
  entries: readonly E[],
  seed: HashSeed,
  entrySize: (name: string) => number,
): HtreePlan<E> | undefined {
  const hashed = entries.map((entry) => ({ entry, ...halfMd4(entry.name, seed) }));
  hashed.sort((a, b) => a.major - b.major || a.minor - b.minor || (a.entry.name < b.entry.name ? -1 : 1));
  const leaves: HtreeLeaf<E>[] = [];
  let open: E[] = [];
  let openHash = 0;
  let used = 0;
  let lastHash = -1;
  for (const { entry, major } of hashed) {
    const sizeBytes = entrySize(entry.name);
    if (used + sizeBytes > LEAF_FILL) {
      leaves.push({ hash: openHash, entries: open });
      open = [];
      used = 0;
      openHash = major === lastHash ? major + 1 : major;
    }
    open.push(entry);
    used += sizeBytes;
    lastHash = major;
  }
  leaves.push({ hash: openHash, entries: open });
  if (leaves.length <= HTREE.rootLimit) return { leaves, nodeCount: 0 };
  const nodeCount = Math.ceil(leaves.length / NODE_FILL);
  return nodeCount <= HTREE.rootLimit ? { leaves, nodeCount } : undefined;
}

/** Completes the root (which already has "." and "..") and writes the index nodes, all of them with checksums. */
export function encodeIndex(plan: HtreePlan<unknown>, blocks: Uint8Array, inodeSeed: number): void {
  const firstLeaf = 1 + plan.nodeCount;
  const leafPointers = plan.leaves.map((leaf, index) => ({ hash: leaf.hash, block: firstLeaf + index }));
  const root = blocks.subarray(0, BLOCK_SIZE);
  const view = viewOf(root);
  view.setUint8(0x1c, HTREE.halfMd4);
  view.setUint8(0x1d, 8);
  view.setUint8(0x1e, plan.nodeCount === 0 ? 0 : 1);
  if (plan.nodeCount === 0) {
    encodePointers(root, HTREE.rootEntriesAt, HTREE.rootLimit, leafPointers, inodeSeed);
    return;
  }
  const nodePointers: Pointer[] = [];
  for (let node = 0; node < plan.nodeCount; node++) {
    const pointers = leafPointers.slice(node * NODE_FILL, (node + 1) * NODE_FILL);
    const block = 1 + node;
    const bytes = blocks.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
    // An unused entry over the whole block hides the node from readers that know no index.
    viewOf(bytes).setUint16(4, BLOCK_SIZE, true);
    encodePointers(bytes, HTREE.nodeEntriesAt, HTREE.nodeLimit, pointers, inodeSeed);
    nodePointers.push({ hash: pointers[0]?.hash ?? 0, block });
  }
  encodePointers(root, HTREE.rootEntriesAt, HTREE.rootLimit, nodePointers, inodeSeed);
}

interface Pointer {
  readonly hash: number;
  readonly block: number;
}

/** Limit and count take the place of the first pointer's hash: whatever hashes lower belongs to it. */
function encodePointers(
  bytes: Uint8Array,
  at: number,
  limit: number,
  pointers: readonly Pointer[],
  inodeSeed: number,
): void {
  const view = viewOf(bytes);
  pointers.forEach((pointer, index) => {
    view.setUint32(at + index * HTREE.entrySize, pointer.hash, true);
    view.setUint32(at + index * HTREE.entrySize + 4, pointer.block, true);
  });
  view.setUint16(at, limit, true);
  view.setUint16(at + 2, pointers.length, true);
  const covered = crc32cUpdate(inodeSeed, bytes.subarray(0, at + pointers.length * HTREE.entrySize));
  // The tail (reserved word, checksum) counts as zeros.
  view.setUint32(at + limit * HTREE.entrySize + 4, crcLong(covered, 0), true);
}
