// fs-verity digests (kernel documentation "fs-verity: read-only file-based authenticity protection";
// docs/formats/composefs.md): SHA-256, blocks of 4,096 bytes, no salt. A Merkle tree of block hashes, then a hash of a
// 256-byte descriptor.
import { hash } from "node:crypto";
import { isZero } from "../base/bytes/index.ts";
import { type Content, readContent } from "../base/io/index.ts";

const BLOCK_BYTES = 4096;
const HASH_BYTES = 32;
const READ_BYTES = 1024 * 1024;

const ZERO_BLOCK_HASH = hash("sha256", new Uint8Array(BLOCK_BYTES), "buffer");

/** The Merkle tree while blocks arrive: of each level only the block that is being filled is kept. */
class MerkleTree {
  readonly #levels: { readonly block: Buffer; filled: number; total: number }[] = [];

  add(digest: Uint8Array, level = 0): void {
    const at = (this.#levels[level] ??= { block: Buffer.alloc(BLOCK_BYTES), filled: 0, total: 0 });
    if (at.filled === BLOCK_BYTES) this.#flush(level);
    at.block.set(digest, at.filled);
    at.filled += HASH_BYTES;
    at.total += 1;
  }

  /** A full block moves up only when more follows, so that a single hash at the top is seen as the root. */
  #flush(level: number): void {
    const at = this.#levels[level];
    if (at === undefined) return;
    at.block.fill(0, at.filled);
    this.add(hash("sha256", at.block, "buffer"), level + 1);
    at.filled = 0;
  }

  root(): Uint8Array {
    for (let level = 0; level < this.#levels.length; level++) {
      const at = this.#levels[level];
      if (at?.total === 1) return at.block.subarray(0, HASH_BYTES);
      this.#flush(level);
    }
    return new Uint8Array(HASH_BYTES);
  }
}

/** The fs-verity digest of a content, 32 bytes; holes are not read. */
export async function fsVerityDigest(content: Content): Promise<Uint8Array> {
  const tree = new MerkleTree();
  const buffer = new Uint8Array(Math.min(READ_BYTES, Math.ceil(content.sizeBytes / BLOCK_BYTES) * BLOCK_BYTES));
  let extent = 0;
  for (let offset = 0; offset < content.sizeBytes;) {
    while (endOf(content, extent) <= offset) extent += 1;
    const dataStart = content.extents[extent]?.at ?? content.sizeBytes;
    const holeBlocks = Math.floor(Math.max(dataStart - offset, 0) / BLOCK_BYTES);
    if (holeBlocks > 0) {
      for (let block = 0; block < holeBlocks; block++) tree.add(ZERO_BLOCK_HASH);
      offset += holeBlocks * BLOCK_BYTES;
      continue;
    }
    const length = Math.min(buffer.length, content.sizeBytes - offset);
    await readContent(content, offset, buffer.subarray(0, length));
    // The last block is padded with zeros.
    buffer.fill(0, length);
    for (let at = 0; at < length; at += BLOCK_BYTES) tree.add(blockHash(buffer.subarray(at, at + BLOCK_BYTES)));
    offset += length;
  }
  return digestOfDescriptor(content.sizeBytes, tree.root());
}

function endOf(content: Content, index: number): number {
  const extent = content.extents[index];
  return extent === undefined ? Number.POSITIVE_INFINITY : extent.at + extent.length;
}

function blockHash(block: Uint8Array): Uint8Array {
  return block[0] === 0 && isZero(block) ? ZERO_BLOCK_HASH : hash("sha256", block, "buffer");
}

/** Version 1, SHA-256, 2^12 bytes a block, no salt; then the size and the root hash. */
function digestOfDescriptor(sizeBytes: number, root: Uint8Array): Uint8Array {
  const descriptor = Buffer.alloc(256);
  descriptor.set([1, 1, 12, 0]);
  descriptor.writeBigUInt64LE(BigInt(sizeBytes), 8);
  descriptor.set(root, 16);
  return hash("sha256", descriptor, "buffer");
}
