// Small text files of a tree, symbolic links followed inside the tree.
import { utf8ToByteString } from "../base/bytes/index.ts";
import { contentBytes } from "../base/io/index.ts";
import { type DirectoryInode, resolve } from "../tree/index.ts";

const MAX_TEXT_BYTES = 1024 * 1024;

/** The text at a path, or undefined when there is no regular file. Throws IoError LIMIT above 1 MiB. */
export async function readText(root: DirectoryInode, path: string): Promise<string | undefined> {
  const inode = resolve(root, utf8ToByteString(path));
  if (inode?.type !== "file") return undefined;
  return new TextDecoder().decode(await contentBytes(inode.content, MAX_TEXT_BYTES, path));
}
