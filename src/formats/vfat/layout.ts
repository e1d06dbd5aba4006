// Lays a tree out as a FAT32 volume: pure, contiguous files in bytewise order of their paths, content by reference.
// Refuses what FAT cannot hold: links, devices, files of 4 GiB and more, names beyond names.ts. Modes, owners, xattrs
// and hard links have no place in FAT and are dropped (a second name gets its own copy).
import { type ByteString, ceilDiv, compareByteStrings, viewOf } from "../../base/bytes/index.ts";
import { type Content, contentOf, type Extent } from "../../base/io/index.ts";
import { encodeBootSector, encodeFsInfo } from "./boot-sector.ts";
import { DirectoryEncoder, entriesFor } from "./directory.ts";
import { VfatError } from "./error.ts";
import {
  ATTRIBUTE,
  BACKUP_BOOT_SECTOR,
  DIRECTORY_ENTRY_BYTES,
  END_OF_CHAIN,
  FIRST_CLUSTER,
  FSINFO_SECTOR,
  MAX_DEPTH,
  MAX_DIRECTORY_ENTRIES,
  MAX_FILE_BYTES,
  MEDIA_FIXED,
  RESERVED_SECTORS,
  SECTOR_BYTES,
} from "./format.ts";
import { type FatGeometry, fatGeometry } from "./geometry.ts";
import { assignNames, type FatName } from "./names.ts";

/** A file, as much of it as FAT can hold. Inodes of a Tree are assignable to these three. */
export interface FatFileInput {
  readonly type: "file";
  readonly content: Content;
  readonly mtimeSeconds: number;
}

export interface FatDirectoryInput {
  readonly type: "directory";
  readonly entries: ReadonlyMap<ByteString, FatInput>;
  readonly mtimeSeconds: number;
}

export type FatInput =
  | FatFileInput
  | FatDirectoryInput
  | { readonly type: "symlink" | "character" | "block" | "fifo" | "socket" };

export interface VfatOptions {
  /** A multiple of 512, from MIN_VOLUME_BYTES to 2 TiB. */
  readonly sizeBytes: number;
  /** At most 11 characters: capital letters, digits, space, - and _. */
  readonly label: string;
  /** 32 bits; Linux shows them as the UUID. */
  readonly serial: number;
  /** First sector of the partition on its disk; 0 unless told otherwise. */
  readonly hiddenSectors?: number;
}

interface Node {
  readonly input: FatFileInput | FatDirectoryInput;
  readonly name: FatName | undefined;
  readonly parent: Node | undefined;
  readonly children: readonly Node[];
  readonly sizeBytes: number;
  /** 0 for an empty file. */
  cluster: number;
}

/** The volume as a Content. Throws VfatError. */
export function layoutVfat(root: FatDirectoryInput, options: VfatOptions): Content {
  const geometry = fatGeometry(options.sizeBytes);
  const label = checkLabel(options.label);
  const nodes: Node[] = [];
  plan(root, undefined, undefined, nodes, 0);
  const usedClusters = allocate(nodes, geometry);
  const extents = [
    ...reservedExtents(geometry, { ...options, label }, usedClusters),
    ...fatExtents(nodes, geometry, usedClusters),
    ...nodes.flatMap((node) => placeExtents(dataOf(node, label), offsetOf(node, geometry))),
  ];
  return { sizeBytes: options.sizeBytes, extents };
}

/** Bytes of clusters that a tree takes on a volume of this size, for planning. */
export function vfatDataBytes(root: FatDirectoryInput, sizeBytes: number): number {
  const geometry = fatGeometry(sizeBytes);
  const nodes: Node[] = [];
  plan(root, undefined, undefined, nodes, 0);
  return nodes.reduce((sum, node) => sum + ceilDiv(node.sizeBytes, geometry.clusterBytes), 0) * geometry.clusterBytes;
}

/** Appends the node and everything below it, parents first. */
function plan(
  input: FatInput,
  name: FatName | undefined,
  parent: Node | undefined,
  nodes: Node[],
  depth: number,
): Node {
  const path = pathOf(name, parent);
  if (depth > MAX_DEPTH)
    throw new VfatError("LIMIT", `cannot put ${path} on FAT: deeper than ${MAX_DEPTH} directories`);
  if (input.type === "file") {
    const sizeBytes = input.content.sizeBytes;
    if (sizeBytes > MAX_FILE_BYTES) {
      throw new VfatError(
        "FILE_TOO_LARGE",
        `cannot put ${path} on FAT: it has ${sizeBytes} bytes, want at most ${MAX_FILE_BYTES}`,
      );
    }
    const node: Node = { input, name, parent, children: [], sizeBytes, cluster: 0 };
    nodes.push(node);
    return node;
  }
  if (input.type !== "directory") {
    throw new VfatError(
      "UNSUPPORTED",
      `cannot put ${path} on FAT: it is a ${input.type}, want files and directories only`,
    );
  }
  const names = assignNames([...input.entries.keys()].sort(compareByteStrings), path);
  // The label of the root, "." and ".." of the others.
  const entryCount = (parent === undefined ? 1 : 2) + names.reduce((sum, entry) => sum + entriesFor(entry), 0);
  if (entryCount > MAX_DIRECTORY_ENTRIES) {
    throw new VfatError(
      "LIMIT",
      `cannot put ${path} on FAT: it takes ${entryCount} entries, want at most ${MAX_DIRECTORY_ENTRIES}`,
    );
  }
  const children: Node[] = [];
  const node: Node = { input, name, parent, children, sizeBytes: entryCount * DIRECTORY_ENTRY_BYTES, cluster: 0 };
  nodes.push(node);
  for (const childName of names) {
    children.push(plan(input.entries.get(childName.key) as FatInput, childName, node, nodes, depth + 1));
  }
  return node;
}

function pathOf(name: FatName | undefined, parent: Node | undefined): string {
  const parts: string[] = name === undefined ? [] : [name.long];
  for (let node = parent; node?.name !== undefined; node = node.parent) parts.unshift(node.name.long);
  return `/${parts.join("/")}`;
}

/** Gives every node its clusters, one after the other; returns how many are used. */
function allocate(nodes: readonly Node[], geometry: FatGeometry): number {
  let used = 0;
  for (const node of nodes) {
    const clusters = ceilDiv(node.sizeBytes, geometry.clusterBytes);
    if (clusters > 0) node.cluster = FIRST_CLUSTER + used;
    used += clusters;
  }
  if (used > geometry.clusterCount) {
    const wanted = used * geometry.clusterBytes;
    const found = geometry.clusterCount * geometry.clusterBytes;
    throw new VfatError(
      "TOO_SMALL",
      `cannot fit the files onto the FAT volume: they take ${wanted} bytes, it has room for ${found}`,
      {
        hint: "Make the partition bigger",
        data: { wanted, found },
      },
    );
  }
  return used;
}

function reservedExtents(geometry: FatGeometry, options: VfatOptions, usedClusters: number): Extent[] {
  const { label, serial, hiddenSectors = 0 } = options;
  const pair = new Uint8Array(2 * SECTOR_BYTES);
  pair.set(encodeBootSector(geometry, { label, serial, hiddenSectors }), 0);
  pair.set(
    encodeFsInfo(geometry.clusterCount - usedClusters, FIRST_CLUSTER + usedClusters),
    FSINFO_SECTOR * SECTOR_BYTES,
  );
  const content = contentOf(pair);
  return [...placeExtents(content, 0), ...placeExtents(content, BACKUP_BOOT_SECTOR * SECTOR_BYTES)];
}

/** Both copies of the table; they share the bytes. Entries of free clusters are zeros and stay a hole. */
function fatExtents(nodes: readonly Node[], geometry: FatGeometry, usedClusters: number): Extent[] {
  const table = new Uint8Array((FIRST_CLUSTER + usedClusters) * 4);
  const view = viewOf(table);
  view.setUint32(0, 0x0fffff00 + MEDIA_FIXED, true);
  view.setUint32(4, END_OF_CHAIN, true);
  for (const node of nodes) {
    const last = node.cluster + ceilDiv(node.sizeBytes, geometry.clusterBytes) - 1;
    for (let cluster = node.cluster; cluster <= last; cluster++) {
      view.setUint32(cluster * 4, cluster === last ? END_OF_CHAIN : cluster + 1, true);
    }
  }
  const content = contentOf(table);
  const first = RESERVED_SECTORS * SECTOR_BYTES;
  return [...placeExtents(content, first), ...placeExtents(content, first + geometry.fatSectors * SECTOR_BYTES)];
}

function dataOf(node: Node, label: string): Content {
  return node.input.type === "file" ? node.input.content : contentOf(encodeDirectory(node, label));
}

function encodeDirectory(node: Node, label: string): Uint8Array {
  const encoder = new DirectoryEncoder(node.sizeBytes / DIRECTORY_ENTRY_BYTES);
  const { mtimeSeconds } = node.input;
  if (node.parent === undefined) {
    encoder.add({ short: label, attributes: ATTRIBUTE.label, cluster: 0, sizeBytes: 0, mtimeSeconds });
  } else {
    const directory = { attributes: ATTRIBUTE.directory, sizeBytes: 0, mtimeSeconds };
    encoder.add({ ...directory, short: ".".padEnd(11), cluster: node.cluster });
    // The root counts as cluster 0 here.
    const parentCluster = node.parent.parent === undefined ? 0 : node.parent.cluster;
    encoder.add({ ...directory, short: "..".padEnd(11), cluster: parentCluster });
  }
  for (const child of node.children) {
    const name = child.name as FatName;
    encoder.add(
      {
        short: name.short,
        attributes: child.input.type === "file" ? ATTRIBUTE.archive : ATTRIBUTE.directory,
        cluster: child.cluster,
        sizeBytes: child.input.type === "file" ? child.sizeBytes : 0,
        mtimeSeconds: child.input.mtimeSeconds,
      },
      name,
    );
  }
  return encoder.bytes;
}

function offsetOf(node: Node, geometry: FatGeometry): number {
  return geometry.dataOffsetBytes + (node.cluster - FIRST_CLUSTER) * geometry.clusterBytes;
}

function placeExtents(content: Content, at: number): Extent[] {
  return content.extents.map((extent) => ({ ...extent, at: extent.at + at }));
}

/** The label padded to 11 characters. */
function checkLabel(label: string): string {
  if (!/^[A-Z0-9_-](?:[A-Z0-9 _-]{0,9}[A-Z0-9_-])?$/.test(label)) {
    throw new VfatError(
      "BAD_LABEL",
      `cannot label a FAT volume "${label.slice(0, 80)}": want 1 to 11 of capital letters, digits, space, - and _`,
    );
  }
  return label.padEnd(11);
}
