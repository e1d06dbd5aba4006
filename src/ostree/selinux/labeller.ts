// Puts the labels of a policy on every path of a tree (docs/formats/ostree.md): an existing label goes, the one that the
// policy has for the path comes; a path without one stays bare.
import { type ByteString, byteStringToBytes, equalBytes } from "../../base/bytes/index.ts";
import type { DirectoryInode, FileInode, Inode, SymlinkInode, Xattr } from "../../tree/index.ts";
import { loadPolicy, type Policy } from "./policy.ts";

const XATTR = "security.selinux";
const IS_DEPLOYMENT = /^\/ostree\/deploy\/[^/]+\/deploy\/[^/]+\.[0-9]+$/;
const IS_CONTENT_OBJECT = /^\/ostree\/repo\/objects\/[^/]+\/[^/]+\.file$/;

/** Relabels trees whose directories stand at the same path wherever they are shared. */
export class Labeller {
  readonly #policy: Policy;
  readonly #directories = new Map<DirectoryInode, DirectoryInode>();
  /** Names of one inode that get the same label stay one inode. */
  readonly #files = new Map<Inode, Map<string | undefined, Inode>>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** The relabelled tree; inodes whose label is right already are taken over. The tree itself is not changed. */
  relabel(root: DirectoryInode): DirectoryInode {
    return this.#directory(root, "");
  }

  /**
   * Labels what stands in a sysroot without a label, in place: what libostree and the installer add around a deployment.
   * The repository's content objects and the deployments are what their checksums say and stay so. Returns the root,
   * which may be a new one.
   */
  labelRest(root: DirectoryInode, path: ByteString = ""): DirectoryInode {
    for (const [name, child] of root.entries) {
      const at: ByteString = `${path}/${name}`;
      if (IS_DEPLOYMENT.test(at) || IS_CONTENT_OBJECT.test(at)) continue;
      const labelled = child.type === "directory" ? this.labelRest(child, at) : this.#labelBare(child, at);
      if (labelled !== child) root.entries.set(name, labelled);
    }
    if (hasLabel(root)) return root;
    const xattrs = withLabel(root.xattrs, this.#policy.label(path === "" ? "/" : path, "directory"));
    return xattrs === root.xattrs ? root : { ...root, xattrs };
  }

  #labelBare(inode: Inode, path: ByteString): Inode {
    if (hasLabel(inode) || (inode.type !== "file" && inode.type !== "symlink")) return inode;
    // The kernel in /boot is a further name of an object.
    if (inode.type === "file" && inode.ostreeChecksum !== undefined) return inode;
    const xattrs = withLabel(inode.xattrs, this.#policy.label(path, inode.type));
    return xattrs === inode.xattrs ? inode : withXattrs(inode, xattrs);
  }

  #directory(inode: DirectoryInode, path: ByteString): DirectoryInode {
    const known = this.#directories.get(inode);
    if (known !== undefined) return known;
    const entries = new Map<ByteString, Inode>();
    let isChanged = false;
    for (const [name, child] of inode.entries) {
      const labelled = this.#inode(child, `${path}/${name}`);
      entries.set(name, labelled);
      if (labelled !== child) isChanged = true;
    }
    const xattrs = withLabel(inode.xattrs, this.#policy.label(path === "" ? "/" : path, "directory"));
    const labelled = isChanged || xattrs !== inode.xattrs ? { ...inode, xattrs, entries } : inode;
    this.#directories.set(inode, labelled);
    return labelled;
  }

  #inode(inode: Inode, path: ByteString): Inode {
    if (inode.type === "directory") return this.#directory(inode, path);
    if (inode.type !== "file" && inode.type !== "symlink") return inode;
    const label = this.#policy.label(path, inode.type);
    const xattrs = withLabel(inode.xattrs, label);
    if (xattrs === inode.xattrs) return inode;
    let byLabel = this.#files.get(inode);
    if (byLabel === undefined) {
      byLabel = new Map();
      this.#files.set(inode, byLabel);
    }
    let labelled = byLabel.get(label);
    if (labelled === undefined) {
      labelled = withXattrs(inode, xattrs);
      byLabel.set(label, labelled);
    }
    return labelled;
  }
}

function hasLabel({ xattrs }: Inode): boolean {
  return xattrs.some(({ name }) => name === XATTR);
}

/** The checksum covers the xattrs: it is not known any more. */
function withXattrs(inode: FileInode | SymlinkInode, xattrs: readonly Xattr[]): FileInode | SymlinkInode {
  if (inode.type === "symlink") return { ...inode, xattrs };
  const { ostreeChecksum: _, ...rest } = inode;
  return { ...rest, xattrs };
}

/** The same list when its label is right. */
function withLabel(xattrs: readonly Xattr[], label: string | undefined): readonly Xattr[] {
  const present = xattrs.find(({ name }) => name === XATTR);
  if (label === undefined) return present === undefined ? xattrs : xattrs.filter(({ name }) => name !== XATTR);
  const value = byteStringToBytes(`${label}\0`);
  if (present !== undefined && equalBytes(present.value, value)) return xattrs;
  const others = xattrs.filter(({ name }) => name !== XATTR);
  return [...others, { name: XATTR, value }].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A labeller for the policy inside a tree; undefined when it has none. Throws BAD_POLICY. */
export async function loadLabeller(root: DirectoryInode): Promise<Labeller | undefined> {
  const policy = await loadPolicy(root);
  return policy === undefined ? undefined : new Labeller(policy);
}
