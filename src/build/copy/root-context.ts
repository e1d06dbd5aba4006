// The file system of a stage or an image as a context. Owners, modes and those extended attributes are kept that mean the
// same in another image: capabilities, integrity hashes and those of users.
import type { ByteString } from "../../base/bytes/index.ts";
import { type Content, EMPTY_CONTENT, FileSource } from "../../base/io/index.ts";
import { type DirectoryInode, type Inode, lookup, sortedEntries, type Xattr } from "../../tree/index.ts";
import { contentDigest, type ContentDigests } from "./content-digests.ts";
import type { ContextEntry, ContextSource } from "./context.ts";
import type { DirectoryContextOptions } from "./directory-context.ts";

/** `description`: how messages call it: `stage "build"`, `image debian:12`. `digests`: as for a directory. */
export function rootContext(
  root: { tree(): Promise<DirectoryInode> },
  description: string = "the stage",
  { digests }: DirectoryContextOptions = {},
): ContextSource {
  return {
    description,
    keepsOwners: true,
    excludes: () => false,
    prunes: () => false,
    lstat: async (path) => {
      const inode = lookup(await root.tree(), path);
      return inode === undefined ? undefined : entryOf(inode, digests);
    },
    names: async (path) => {
      const inode = lookup(await root.tree(), path);
      return inode?.type === "directory" ? sortedEntries(inode).map(([name]): ByteString => name) : [];
    },
  };
}

function entryOf(inode: Inode, digests: ContentDigests | undefined): ContextEntry {
  const { type, mode, uid, gid, mtimeSeconds } = inode;
  const content = inode.type === "file" ? inode.content : EMPTY_CONTENT;
  return {
    type,
    mode,
    uid,
    gid,
    mtimeSeconds,
    xattrs: inode.xattrs.filter(isKept),
    target: inode.type === "symlink" ? inode.target : "",
    major: "major" in inode ? inode.major : 0,
    minor: "minor" in inode ? inode.minor : 0,
    content,
    link: inode.type === "file" ? inode : undefined,
    digest: (signal) => {
      const name = digests === undefined ? undefined : cachedName(content);
      if (digests === undefined || name === undefined) return contentDigest(content, signal);
      return digests.ofNamed(name, content, signal);
    },
  };
}

/** Where it is in the layer cache, whose files are called by their digest and never change; undefined for other content. */
function cachedName({ extents, sizeBytes }: Content): string | undefined {
  const places: (string | number)[] = [sizeBytes];
  for (const { source, at, length, sourceOffset } of extents) {
    if (!(source instanceof FileSource)) return undefined;
    places.push(source.path, at, length, sourceOffset);
  }
  return extents.length === 0 ? undefined : places.join("\0");
}

function isKept({ name }: Xattr): boolean {
  if (name === "security.capability" || name === "security.ima") return true;
  return name.startsWith("user.") && !name.startsWith("user.overlay.");
}
