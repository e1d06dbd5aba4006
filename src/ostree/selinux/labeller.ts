import type { DirectoryInode } from "../../tree/index.ts";
import { readText } from "../../image/index.ts";
import { OstreeError } from "../errors.ts";

export interface Labeller {
  relabel(tree: DirectoryInode): DirectoryInode;
}

export async function loadLabeller(root: DirectoryInode): Promise<Labeller | undefined> {
  const text = (await readText(root, "etc/selinux/config")) ?? (await readText(root, "usr/etc/selinux/config"));
  if (text === undefined || !/^SELINUX=(enforcing|permissive)\s*$/m.test(text)) return undefined;
  throw new OstreeError("BAD_POLICY", "cannot import image: SELinux labels are not there yet");
}
