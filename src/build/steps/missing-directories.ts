// Directories that a step which makes a layer finds missing and makes: those of VOLUME, root's, and WORKDIR, the user's.
import { type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { EMPTY_CONTENT } from "../../base/io/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import type { StageState } from "../state.ts";
import { lookUpUser } from "../users.ts";

/** Parents first; symbolic links on the way are followed inside the root. */
export async function missingDirectories(state: StageState, mtimeSeconds: number): Promise<LayerEntry[]> {
  const { root, config } = state;
  const missing = new Map<ByteString, LayerEntry>();
  const add = async (path: string, owner: () => Promise<{ uid: number; gid: number }>): Promise<void> => {
    if ((await root.lookup(bytesOf(path))) !== undefined) return;
    const names = (await root.realPath(bytesOf(path))).split("/").filter((name) => name !== "");
    for (let count = 1; count <= names.length; count++) {
      const each = names.slice(0, count).join("/");
      if (missing.has(each) || (await root.lstat(each)) !== undefined) continue;
      const { uid, gid } = await owner();
      missing.set(each, directoryEntry(each, { uid, gid, mtimeSeconds }));
    }
  };
  for (const volume of config.volumes) await add(volume, () => Promise.resolve({ uid: 0, gid: 0 }));
  if (config.workingDir !== "" && config.workingDir !== "/")
    await add(config.workingDir, () => lookUpUser(root, config.user));
  return [...missing.values()];
}

function directoryEntry(
  path: ByteString,
  { uid, gid, mtimeSeconds }: { uid: number; gid: number; mtimeSeconds: number },
): LayerEntry {
  const rest = { target: "", content: EMPTY_CONTENT, major: 0, minor: 0, xattrs: [] };
  return { type: "directory", path, mode: 0o755, uid, gid, mtimeSeconds, ...rest };
}

/** Names in a Containerfile are UTF-8, in a tree they are bytes. */
export function bytesOf(path: string): ByteString {
  return utf8ToByteString(path.replace(/^\/+/, ""));
}
