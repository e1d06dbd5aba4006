// Small steps on files that the storage is made of. Each leaves the disk in a state that needs no repair.
import { renameSync, statSync, unlinkSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemErrorCode } from "../../base/errors.ts";
import { syncDirectory, writeFileAtomic } from "../../base/io/index.ts";

/** What `action` gives, or undefined when the file or a directory above it is not there. */
export async function ifThere<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "");
}

/** Makes a directory and those above it; what was made lasts. */
export async function ensureDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let parent = dirname(path); parent.length >= dirname(first).length; parent = dirname(parent))
    await syncDirectory(parent);
}

/** Replaces a small file; what was written lasts. */
export async function writeDurable(path: string, bytes: Uint8Array): Promise<void> {
  await ensureDirectory(dirname(path));
  await writeFileAtomic(path, bytes, { mode: 0o644 });
}

/** An empty file whose name is all it says, touched now; what was made lasts. */
export async function createMarker(path: string, nowMs: number): Promise<void> {
  await ensureDirectory(dirname(path));
  await using handle = await open(path, "a", 0o644);
  await handle.utimes(nowMs / 1000, nowMs / 1000);
  await syncDirectory(dirname(path));
}

/** True when there was something to remove; the removal lasts. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await rm(path);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

/** The names in a directory, none when it is not there. */
export async function namesIn(path: string): Promise<readonly string[]> {
  return (await ifThere(readdir(path))) ?? [];
}

export async function readJsonFile<T>(path: string): Promise<T | undefined> {
  const text = await ifThere(readFile(path, "utf8"));
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

export interface TouchOptions {
  readonly nowMs: number;
  /** A file that was touched less long ago is left alone. */
  readonly staleAfterMs: number;
}

/** Notes that somebody relies on a file: garbage collection leaves it alone for a while. Its size, or undefined. */
export async function touch(path: string, { nowMs, staleAfterMs }: TouchOptions): Promise<number | undefined> {
  const found = await ifThere(stat(path));
  if (found === undefined) return undefined;
  if (nowMs - found.mtimeMs < staleAfterMs) return found.size;
  const seconds = nowMs / 1000;
  const touched = await ifThere(utimes(path, seconds, seconds).then(() => true));
  return touched === undefined ? undefined : found.size;
}

/**
 * Removes a file that nobody has touched since `idleSinceMs`. It is moved aside first and looked at again: a touch from
 * another process between the look and the removal brings it back. Synchronous, so that this process does not come between.
 */
export function removeIdle(path: string, idleSinceMs: number): boolean {
  const aside = join(dirname(path), `.${basename(path)}${ASIDE}`);
  try {
    if (statSync(path).mtimeMs >= idleSinceMs) return false;
    renameSync(path, aside);
    if (statSync(aside).mtimeMs >= idleSinceMs) {
      renameSync(aside, path);
      return false;
    }
    unlinkSync(aside);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

const ASIDE = ".aside";

/** Brings back what a collection that was killed had just moved aside. */
export async function restoreAside(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) {
    if (!name.startsWith(".") || !name.endsWith(ASIDE)) continue;
    await ifThere(rename(join(directory, name), join(directory, name.slice(1, -ASIDE.length))));
  }
}
