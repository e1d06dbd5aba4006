// A lock between processes, for short changes of a shared file (milliseconds). Node has no flock, so it is a file that
// only one process can create. Its owner's death (kill -9, power loss) must not block others: a lock whose process is
// gone, or that is older than any honest change takes, is taken over; the owner checks that it still has the lock before
// its change becomes visible.
import { randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { open, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { systemErrorCode } from "../errors.ts";
import { writeError } from "./write-error.ts";
import { IoError } from "./source.ts";

export interface HeldLock {
  /** Throws LOCKED when another process has taken the lock over: call it right before the change becomes visible. */
  assertHeld(): Promise<void>;
}

export interface LockOptions {
  /** Longest wait for others; 30 s unless told otherwise. */
  readonly timeoutMs?: number;
  /** Age at which a lock of an unreachable owner counts as left behind; 20 s unless told otherwise. */
  readonly staleMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Runs `change` while holding the lock file at `path`. Throws IoError LOCKED after the time-out. */
export async function withFileLock<T>(
  path: string,
  change: (lock: HeldLock) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const token = `${process.pid} ${pidNamespace()} ${randomBytes(8).toString("hex")}\n`;
  await acquire(path, token, options);
  const assertHeld = async (): Promise<void> => {
    if ((await contentOf(path)) !== token)
      throw new IoError("LOCKED", `cannot finish the change guarded by ${path}: another process took the lock over`);
  };
  try {
    return await change({ assertHeld });
  } finally {
    if ((await contentOf(path)) === token) await rm(path, { force: true });
  }
}

async function acquire(path: string, token: string, options: LockOptions): Promise<void> {
  const staleMs = options.staleMs ?? 20_000;
  let waitedMs = 0;
  let pauseMs = 2;
  for (;;) {
    if (await create(path, token)) return;
    const leftBehind = await contentOf(path);
    if (leftBehind !== undefined && (await isLeftBehind(path, leftBehind, staleMs))) {
      if (await takeOver(path, leftBehind, token)) return;
      continue;
    }
    if (waitedMs >= (options.timeoutMs ?? 30_000)) {
      throw new IoError(
        "LOCKED",
        `cannot get the lock ${path} within ${waitedMs} ms: ${describe(await contentOf(path))} holds it`,
        {
          hint: "Wait for the other process to finish",
          data: { path },
        },
      );
    }
    // Several waiters must not stay in step: the token makes each one's pause its own.
    const jitter = Number.parseInt(token.slice(-4, -1), 16) % 5;
    await sleep(pauseMs + jitter);
    options.signal?.throwIfAborted();
    waitedMs += pauseMs + jitter;
    pauseMs = Math.min(pauseMs * 2, 50);
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    await using handle = await open(path, "wx", 0o666);
    await handle.writeFile(token);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw writeError(path, error);
  }
}

async function isLeftBehind(path: string, content: string, staleMs: number): Promise<boolean> {
  const [pid, namespace] = content.split(" ");
  if (pid !== "" && namespace === pidNamespace() && !isAlive(Number(pid))) return true;
  // A file just touched by the same clock: the file system's, which may not be ours.
  const age = await ageMs(path);
  return age !== undefined && age > staleMs;
}

/** Age by the file system's own clock. */
async function ageMs(path: string): Promise<number | undefined> {
  const probe = `${path}.${process.pid}.clock`;
  try {
    const { mtimeMs } = await stat(path);
    await writeFile(probe, "");
    const now = (await stat(probe)).mtimeMs;
    return now - mtimeMs;
  } catch {
    return undefined;
  } finally {
    await rm(probe, { force: true });
  }
}

/** Puts our token in place of a dead owner's; of several who try, the last one wins, and all look again after a pause. */
async function takeOver(path: string, leftBehind: string, token: string): Promise<boolean> {
  const mine = `${path}.${token.split(" ")[2]?.trim()}`;
  await writeFile(mine, token);
  try {
    if ((await contentOf(path)) !== leftBehind) {
      await rm(mine, { force: true });
      return false;
    }
    await rename(mine, path);
  } catch (error) {
    await rm(mine, { force: true });
    throw writeError(path, error);
  }
  await sleep(30);
  if ((await contentOf(path)) !== token) return false;
  await utimes(path, new Date(), new Date()).catch(() => undefined);
  return true;
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "latin1");
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}

/** Process numbers mean something only within their namespace. */
function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "unknown";
  }
}

function describe(content: string | undefined): string {
  const pid = content?.split(" ")[0];
  return pid === undefined || pid === "" ? "another process" : `process ${pid}`;
}
