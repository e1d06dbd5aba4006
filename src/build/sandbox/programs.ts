// Where this machine keeps its programs; ordinary users' PATH often lacks the folders for system programs.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** PATH with the system's folders after the user's. */
export function searchPath(env: Env): string {
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  return [...new Set([...folders, ...SYSTEM_FOLDERS])].join(delimiter);
}

/** The full path of the first of these programs, folder by folder, that is installed and accepted. */
export async function findProgram(
  names: readonly string[],
  env: Env,
  accept: (path: string) => Promise<boolean> = () => Promise.resolve(true),
): Promise<string | undefined> {
  for (const folder of searchPath(env).split(delimiter)) {
    for (const name of names) {
      const path = join(folder, name);
      const found = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found && (await accept(path))) return path;
    }
  }
  return undefined;
}
