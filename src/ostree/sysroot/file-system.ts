// The narrow interface that the sysroot code works over, so that one implementation of deployments, boot entries and
// origins serves a Tree on its way into a disk and, later, a real /sysroot.
import type { DirectoryInode } from "../../tree/index.ts";

/** Paths are relative to the physical root, "/"-separated, without a leading slash. Owners are root's. */
export interface SysrootFileSystem {
  exists(path: string): Promise<boolean>;
  /** Makes a directory (0755 unless told otherwise) and its missing parents (0755). An existing one is left as it is. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Writes or replaces a file, atomically where that means something. 0644 unless told otherwise. */
  writeFile(path: string, bytes: Uint8Array, mode?: number): Promise<void>;
  /** Makes or replaces a symbolic link, atomically where that means something. */
  makeSymlink(path: string, target: string): Promise<void>;
  /** A further name for the file at `from`. */
  link(from: string, to: string): Promise<void>;
  /**
   * Places a whole tree at a path that does not exist yet. `link`: files are further names of the repository's objects,
   * empty files excepted; `copy`: every file is a new inode. Directories are new in both; every mtime is 0.
   */
  placeTree(path: string, tree: DirectoryInode, files: "link" | "copy"): Promise<void>;
  /** chattr +i on a directory. */
  makeImmutable(path: string): Promise<void>;
}
