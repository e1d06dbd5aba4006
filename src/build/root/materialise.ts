// A tree, or parts of it, written to a directory by GNU tar in the build's namespace. Device nodes are left out: no user
// namespace can make them, and nobody needs those of an image. Extended attributes that only the host's root or its
// security module may set are left out too: `isOnDisk` tells which there are on the disk.
import { type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { EMPTY_CONTENT } from "../../base/io/index.ts";
import {
  type DirectoryInode,
  entriesToTar,
  entryOf,
  type Inode,
  type LayerEntry,
  lookup,
  type TreeEntry,
  type Xattr,
} from "../../tree/index.ts";
import { type HostNamespace, nameList, runTool } from "./host-tools.ts";
import type { TouchedPaths } from "./layer-update.ts";

const ACL_DEFAULT = "system.posix_acl_default";

/** The attributes that a step can see and change, the same ones for root and for everybody else. */
export function isOnDisk(name: ByteString, ids: HostNamespace["ids"]): boolean {
  if (name.startsWith("system.posix_acl_")) return ids !== "one";
  return name.startsWith("user.") || name === "security.capability";
}

/** tar's patterns for the same. */
export function xattrPatterns(ids: HostNamespace["ids"]): string[] {
  const patterns = ["user.*", "security.capability", ...(ids === "one" ? [] : ["system.posix_acl_*"])];
  return ["--xattrs", ...patterns.map((pattern) => `--xattrs-include=${pattern}`)];
}

/** Parents come first in `present`. What is there already is replaced, directories are kept and get their metadata. */
export async function materialise(
  namespace: HostNamespace,
  directory: string,
  present: Iterable<TreeEntry>,
  signal: AbortSignal,
): Promise<void> {
  const owner = namespace.ids === "one" ? "--no-same-owner" : "--same-owner";
  const args = [
    "--extract",
    ...xattrPatterns(namespace.ids),
    owner,
    "--numeric-owner",
    "--preserve-permissions",
    "--delay-directory-restore",
    // Paths of a tree never lead through its links: no need to make links last, as tar does for strangers' archives.
    "--absolute-names",
    "--warning=no-timestamp",
    "--directory",
    directory,
    "--file=-",
  ];
  await runTool(namespace, "tar", args, {
    input: entriesToTar(diskEntries(present, namespace.ids), { sparse: true }),
    signal,
  });
}

/** Removes what is hidden and writes what `tree` has at the other paths. Parents come first in `written`. */
export async function rewrite(
  namespace: HostNamespace,
  directory: string,
  tree: DirectoryInode,
  { hidden, written }: TouchedPaths,
  signal: AbortSignal,
): Promise<void> {
  await removePaths(namespace, directory, hidden, signal);
  const present = written.flatMap((path): TreeEntry[] => {
    const inode = lookup(tree, path);
    return inode === undefined ? [] : [{ path, inode }];
  });
  if (present.length > 0) await materialise(namespace, directory, present, signal);
}

/** Removes paths with all below them. */
async function removePaths(
  namespace: HostNamespace,
  directory: string,
  paths: readonly ByteString[],
  signal: AbortSignal,
): Promise<void> {
  if (paths.length === 0) return;
  const input = nameList(paths, `${utf8ToByteString(directory)}/`);
  await runTool(namespace, "xargs", ["--null", "rm", "-rf", "--"], { input, signal });
}

function* diskEntries(present: Iterable<TreeEntry>, ids: HostNamespace["ids"]): Generator<LayerEntry> {
  const firstNames = new Map<Inode, ByteString>();
  const withDefaultAcl: LayerEntry[] = [];
  for (const { path, inode } of present) {
    if (!isMaterial(inode)) continue;
    const entry = entryOf(path, inode);
    const first = firstNames.get(inode);
    if (first !== undefined && inode.type !== "directory") {
      yield { ...entry, type: "hardlink", target: first, xattrs: [], content: EMPTY_CONTENT };
      continue;
    }
    firstNames.set(inode, path);
    const xattrs = entry.xattrs.filter(({ name }) => isOnDisk(name, ids));
    const own = { ...entry, xattrs };
    // What is made below such a directory would inherit from it.
    if (inode.type === "directory" && xattrs.some(isDefaultAcl)) {
      withDefaultAcl.push(own);
      yield { ...own, xattrs: xattrs.filter((xattr) => !isDefaultAcl(xattr)) };
    } else yield own;
  }
  yield* withDefaultAcl;
}

/** Whether it is made: not so device nodes, which take privileges, and sockets, which are nothing without their program. */
export function isMaterial({ type }: Inode): boolean {
  return !["character", "block", "socket"].includes(type);
}

function isDefaultAcl({ name }: Xattr): boolean {
  return name === ACL_DEFAULT;
}
