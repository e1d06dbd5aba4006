// Names the running system and the length of the data: what was written under it is read back whole.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { bootId } from "../../base/boot-id.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { AtomicFile } from "../../base/io/index.ts";

const BOOT_FILE = "boot";

/** True when the entry was marked under this system. */
export async function isMarked(directory: string, marker: string): Promise<boolean> {
  return (await readText(join(directory, BOOT_FILE))) === marker;
}

export async function writeMarker(directory: string, marker: string): Promise<void> {
  await using file = await AtomicFile.create(join(directory, BOOT_FILE));
  await file.write(0, Buffer.from(marker));
  await file.commit({ sync: false });
}

export function bootMarker(sizeBytes: number | undefined): string {
  return `${bootId()} ${sizeBytes ?? 0}\n`;
}

export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return undefined;
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "latin1");
  } catch {
    return undefined;
  }
}
