// Path resolution inside a root as chroot does it (path_resolution(7)): absolute targets of symbolic links start at the
// root, ".." stays within it. Refused: more than 40 links, as the kernel does.
import { type ByteString, printable } from "../../base/bytes/index.ts";
import type { Inode } from "../../tree/index.ts";
import { BuildError } from "../error.ts";

const MAX_SYMLINKS = 40;

export interface Followed {
  /** Resolved as far as there is something; what follows is kept as written, ".." taken off the end. */
  readonly path: ByteString;
  /** Undefined when there is nothing at the path. */
  readonly inode: Inode | undefined;
}

/** `lstat` gives what is at a path without symbolic links in its parents. Throws BuildError BAD_VALUE for loops. */
export async function follow(
  path: ByteString,
  lstat: (path: ByteString) => Promise<Inode | undefined>,
  options: { readonly last: boolean },
): Promise<Followed> {
  const pending = componentsOf(path).toReversed();
  const trail: ByteString[] = [];
  let inode = await lstat("");
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "..") {
      trail.pop();
      inode = await lstat(trail.join("/"));
      continue;
    }
    // Nothing is below what is not there, or not a directory: the rest stays as written.
    const child = inode?.type === "directory" ? await lstat([...trail, name].join("/")) : undefined;
    if (child?.type === "symlink" && (options.last || pending.length > 0)) {
      if (++links > MAX_SYMLINKS) throw loopError(path);
      if (child.target.startsWith("/")) {
        trail.length = 0;
        inode = await lstat("");
      }
      pending.push(...componentsOf(child.target).toReversed());
      continue;
    }
    trail.push(name);
    inode = child;
  }
  return { path: trail.join("/"), inode };
}

function componentsOf(path: ByteString): ByteString[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function loopError(path: ByteString): BuildError {
  return new BuildError(
    "BAD_VALUE",
    `cannot resolve "/${printable(path)}": it leads through more than ${MAX_SYMLINKS} symbolic links`,
    { hint: "Look for links that lead back to themselves" },
  );
}
