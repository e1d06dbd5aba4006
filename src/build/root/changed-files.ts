// The paths that a step may have changed, with all that is to know about them: GNU tar packs them in the build's
// namespace, our own parser reads the headers, contents stay where they are. What differs only where the disk cannot say
// what the tree says is taken from the tree.
import { open } from "node:fs/promises";
import type { ByteString } from "../../base/bytes/index.ts";
import { type Content, FileSource, readContent } from "../../base/io/index.ts";
import { scanTar } from "../../formats/tar/index.ts";
import {
  directory,
  type DirectoryInode,
  type Inode,
  inodeOf,
  type LayerEntry,
  layerEntryOf,
  lookup,
  type Metadata,
  type TreeEntry,
} from "../../tree/index.ts";
import { type HostNamespace, nameList, runTool } from "./host-tools.ts";
import { isOnDisk, xattrPatterns } from "./materialise.ts";

/** Packs `paths` of a directory into a new file and opens it. */
export async function packPaths(
  namespace: HostNamespace,
  root: string,
  paths: readonly ByteString[],
  target: string,
  signal: AbortSignal,
): Promise<FileSource> {
  await using handle = await open(target, "wx", 0o600);
  const args = [
    "--create",
    "--format=pax",
    "--sparse",
    ...xattrPatterns(namespace.ids),
    "--numeric-owner",
    "--directory",
    root,
    "--no-recursion",
    "--null",
    "--files-from=-",
    "--file=-",
  ];
  await runTool(namespace, "tar", args, { input: nameList(paths), stdout: handle.fd, signal });
  return FileSource.open(target);
}

export interface ReadOptions {
  readonly ids: HostNamespace["ids"];
  readonly epochSeconds?: number;
}

/** Inodes of a packed file; names of one file share one. Contents equal to those of `before` are the same objects. */
export async function readPacked(
  source: FileSource,
  before: DirectoryInode,
  options: ReadOptions,
): Promise<{ readonly present: readonly TreeEntry[]; readonly late: readonly ByteString[] }> {
  const inodes = new Map<ByteString, Inode>();
  /** Those with a time that the layer must not have. */
  const late: ByteString[] = [];
  for (const packed of await scanTar(source)) {
    const entry = layerEntryOf(packed, source);
    if (entry.mtimeSeconds > (options.epochSeconds ?? Infinity)) late.push(entry.path);
    const inode = entry.type === "hardlink" ? inodes.get(entry.target) : await inodeAsBefore(entry, before, options);
    if (inode !== undefined) inodes.set(entry.path, inode);
  }
  return { present: [...inodes].map(([path, inode]) => ({ path, inode })), late };
}

async function inodeAsBefore(
  entry: LayerEntry,
  before: DirectoryInode,
  { ids, epochSeconds }: ReadOptions,
): Promise<Inode | undefined> {
  const inode = inodeOf(entry);
  const found = lookup(before, entry.path);
  const old = found !== undefined && found.type === inode?.type ? found : undefined;
  if (inode === undefined) return undefined;
  const metadata: Metadata = {
    mode: entry.mode,
    uid: ids === "one" && old !== undefined ? old.uid : entry.uid,
    gid: ids === "one" && old !== undefined ? old.gid : entry.gid,
    mtimeSeconds: timeOf(entry, old, epochSeconds),
    xattrs: [
      ...(old?.xattrs ?? []).filter(({ name }) => !isOnDisk(name, ids)),
      ...entry.xattrs.filter(({ name }) => isOnDisk(name, ids)),
    ].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
  if (inode.type === "directory") return directory(metadata);
  if (inode.type !== "file" || old?.type !== "file") return { ...inode, ...metadata };
  const content = (await equalContents(inode.content, old.content)) ? old.content : inode.content;
  return { ...inode, ...metadata, content };
}

/** What keeps its time keeps it, however late it is. */
function timeOf(entry: LayerEntry, old: Inode | undefined, epochSeconds: number | undefined): number {
  if (entry.mtimeSeconds === old?.mtimeSeconds) return entry.mtimeSeconds;
  return Math.min(entry.mtimeSeconds, epochSeconds ?? Infinity);
}

const CHUNK_BYTES = 256 * 1024;

async function equalContents(a: Content, b: Content): Promise<boolean> {
  if (a.sizeBytes !== b.sizeBytes) return false;
  const length = Math.min(CHUNK_BYTES, a.sizeBytes);
  const [left, right] = [Buffer.alloc(length), Buffer.alloc(length)];
  for (let at = 0; at < a.sizeBytes; at += length) {
    const part = Math.min(length, a.sizeBytes - at);
    await readContent(a, at, left.subarray(0, part));
    await readContent(b, at, right.subarray(0, part));
    if (left.compare(right, 0, part, 0, part) !== 0) return false;
  }
  return true;
}
