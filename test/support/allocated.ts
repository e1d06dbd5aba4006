import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What a file or all below a directory takes on the disk; 0 for what is not there. */
export function allocatedBytes(path: string): number {
  try {
    const stat = lstatSync(path);
    const below = stat.isDirectory() ? readdirSync(path) : [];
    return below.reduce((sum, entry) => sum + allocatedBytes(join(path, entry)), stat.blocks * 512);
  } catch {
    // Gone between listing and looking.
    return 0;
  }
}
