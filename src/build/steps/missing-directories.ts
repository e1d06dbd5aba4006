// Directories that a step finds missing and makes: those of VOLUME, and that of WORKDIR.
import { type ByteString, printable, utf8ToByteString } from "../../base/bytes/index.ts";
import { EMPTY_CONTENT } from "../../base/io/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import type { Root } from "../root/index.ts";

/** Root's; parents first; symbolic links on the way are followed inside the root. Throws BuildError BAD_VALUE. */
export async function missingDirectories(
  root: Root,
  paths: readonly string[],
  mtimeSeconds: number,
): Promise<LayerEntry[]> {
  const missing = new Map<ByteString, LayerEntry>();
  for (const path of paths) {
    if ((await root.lookup(bytesOf(path))) !== undefined) continue;
    const names = (await root.realPath(bytesOf(path))).split("/").filter((name) => name !== "");
    for (let count = 1; count <= names.length; count++) {
      const each = names.slice(0, count).join("/");
      if (missing.has(each)) continue;
      const there = await root.lstat(each);
      if (there !== undefined && there.type !== "directory")
        throw new BuildError("BAD_VALUE", `cannot make the directory ${path}: /${printable(each)} is no directory`);
      if (there === undefined) missing.set(each, directoryEntry(each, mtimeSeconds));
    }
  }
  return [...missing.values()];
}

function directoryEntry(path: ByteString, mtimeSeconds: number): LayerEntry {
  const rest = { target: "", content: EMPTY_CONTENT, major: 0, minor: 0, xattrs: [] };
  return { type: "directory", path, mode: 0o755, uid: 0, gid: 0, mtimeSeconds, ...rest };
}

/** Names in a Containerfile are UTF-8, in a tree they are bytes. */
export function bytesOf(path: string): ByteString {
  return utf8ToByteString(path.replace(/^\/+/, ""));
}
