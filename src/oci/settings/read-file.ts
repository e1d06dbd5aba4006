// Small text files of the settings. Missing is a value, too large is an error; pipes (`--authfile <(…)`) are read too.
import { open, readdir } from "node:fs/promises";
import { systemErrorCode } from "../../base/errors.ts";
import { SettingsError } from "./error.ts";

export const MAX_FILE_BYTES: number = 1024 * 1024;
const MAX_DIRECTORY_ENTRIES = 1000;

/** Undefined when there is no such file. Throws SettingsError IO, LIMIT. */
export async function readSettingsFile(path: string, maxBytes: number = MAX_FILE_BYTES): Promise<string | undefined> {
  try {
    await using handle = await open(path, "r");
    const buffer = Buffer.alloc(64 * 1024);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0)
        return Buffer.concat(chunks)
          .toString("utf8")
          .replace(/^\uFEFF/, "");
      sizeBytes += bytesRead;
      if (sizeBytes > maxBytes)
        throw new SettingsError("LIMIT", `cannot read ${path}: it has more than ${maxBytes} bytes`, { data: { path } });
      chunks.push(Uint8Array.prototype.slice.call(buffer, 0, bytesRead));
    }
  } catch (error) {
    return missingOr(path, error);
  }
}

/** Names, sorted as bytes; undefined when there is no such directory. Throws SettingsError IO, LIMIT. */
export async function listSettingsDirectory(path: string): Promise<readonly string[] | undefined> {
  try {
    const names = await readdir(path);
    if (names.length > MAX_DIRECTORY_ENTRIES)
      throw new SettingsError("LIMIT", `cannot read ${path}: it has more than ${MAX_DIRECTORY_ENTRIES} entries`);
    return names.sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  } catch (error) {
    return missingOr(path, error);
  }
}

/** True for an error of the two above that says that this user may not read. */
export function isPermissionError(error: unknown): boolean {
  return error instanceof SettingsError && systemErrorCode(error.cause) === "EACCES";
}

function missingOr(path: string, error: unknown): undefined {
  const code = systemErrorCode(error);
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  if (error instanceof SettingsError || code === undefined) throw error;
  throw new SettingsError("IO", `cannot read ${path}: ${code}`, { cause: error, data: { path } });
}
