// Who is writing into a store that is pruned: one empty file a process, made before its first blob, whose name says who it
// is (a process that is killed has made it or has not). Files of processes that are gone count for nothing. See
// docs/adr/0005-prune-beside-writers.md.
import { rmSync } from "node:fs";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { randomBytes } from "node:crypto";
import { systemErrorCode } from "../../base/errors.ts";
import { ownerState, ownerText, writeError } from "../../base/io/index.ts";

const DIRECTORY = "writers";
/** Another PID namespace (a container) cannot be asked whether its process lives. */
const FOREIGN_MS = 24 * 3_600_000;

/** A function that registers this process once; it stays registered until it ends. Throws IoError. */
export function openSession(store: string): () => Promise<void> {
  let registered: Promise<void> | undefined;
  return () => (registered ??= register(join(store, DIRECTORY)).then(forgetAtExit));
}

const registrations = new Set<string>();

function forgetAtExit(path: string): void {
  if (registrations.size === 0) {
    process.once("exit", () => {
      for (const each of registrations) rmSync(each, { force: true });
    });
  }
  registrations.add(path);
}

async function register(directory: string): Promise<string> {
  const path = join(directory, `${encodeURIComponent(ownerText())}-${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(path, "", { flag: "wx" });
  } catch (error) {
    throw writeError(path, error);
  }
  return path;
}

/**
 * Milliseconds of the file system's clock: what was written or counted on from then on may belong to a command that is
 * still running. Registers nothing; sweeps files of the dead.
 */
export async function oldestSession(store: string): Promise<number> {
  const directory = join(store, DIRECTORY);
  const own = await register(directory);
  try {
    let oldest = (await stat(own)).mtimeMs;
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      const started = await liveSince(path, oldest);
      if (started === undefined) await rm(path, { force: true });
      else oldest = Math.min(oldest, started);
    }
    return oldest;
  } finally {
    await rm(own, { force: true });
  }
}

async function liveSince(path: string, now: number): Promise<number | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    const state = ownerState(ownerOf(basename(path)));
    if (state === "unknown") return now - mtimeMs > FOREIGN_MS ? undefined : mtimeMs;
    return state === "alive" ? mtimeMs : undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Empty for names that are not ours. */
function ownerOf(name: string): string {
  try {
    return decodeURIComponent(name.slice(0, name.lastIndexOf("-")));
  } catch {
    return "";
  }
}
