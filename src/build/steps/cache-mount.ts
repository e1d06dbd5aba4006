// RUN --mount=type=cache: directories below `build/cache-mounts` of the store that outlive builds. `locked` waits for the
// other steps that have it locked, `private` takes one of its own while others use it, `shared` does neither.
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { systemErrorCode } from "../../base/errors.ts";
import { IoError, type LockOptions, withFileLock } from "../../base/io/index.ts";
import { run } from "../../base/process/index.ts";
import type { StepContext } from "./context.ts";

export interface CacheRequest {
  readonly id: string;
  readonly sharing: "shared" | "private" | "locked";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Copied into a cache that is new. */
  readonly first: string | undefined;
}

const HOUR_MS = 3_600_000;
const MAX_PRIVATE = 64;

function cachesOf({ services }: StepContext): string {
  return join(services.local.directory, "build", "cache-mounts");
}

/** Ids may be anything. */
function cachePath(context: StepContext, id: string): string {
  return join(cachesOf(context), createHash("sha256").update(id).digest("hex"));
}

/**
 * Waits until no other step holds these caches; all in one order, so that two steps never wait for each other. Throws
 * IoError LOCKED, the signal's reason.
 */
export async function lockCaches(
  context: StepContext,
  ids: readonly string[],
  scope: AsyncDisposableStack,
): Promise<void> {
  const { signal } = context.services;
  const paths = new Set(ids.map((id) => cachePath(context, id)));
  if (paths.size > 0) await makeCaches(context);
  for (const path of [...paths].sort()) scope.use(await hold(`${path}.lock`, { timeoutMs: HOUR_MS, signal }));
}

/** The cache's directory; the lock of a private one is held until `scope` is disposed. Throws IoError, ProcessError. */
export async function openCacheMount(
  context: StepContext,
  request: CacheRequest,
  scope: AsyncDisposableStack,
): Promise<string> {
  await makeCaches(context);
  const path = cachePath(context, request.id);
  const chosen = request.sharing === "private" ? await freeOf(path, scope) : path;
  await fill(context, request, chosen);
  return chosen;
}

/** What a step leaves in a cache, a program with setuid too, is nobody else's business. */
async function makeCaches(context: StepContext): Promise<void> {
  await mkdir(cachesOf(context), { recursive: true, mode: 0o700 });
}

async function freeOf(path: string, scope: AsyncDisposableStack): Promise<string> {
  for (let number = 0; number < MAX_PRIVATE; number++) {
    const each = number === 0 ? path : `${path}.${number}`;
    const lock = await hold(`${each}.lock`, { timeoutMs: 0 }).catch(lockedElsewhere);
    if (lock === undefined) continue;
    scope.use(lock);
    return each;
  }
  throw new IoError("LOCKED", `cannot use the cache ${path}: ${MAX_PRIVATE} steps use it already`);
}

function lockedElsewhere(error: unknown): undefined {
  if (!(error instanceof IoError) || error.code !== "LOCKED") throw error;
}

/** A lock that is held until it is disposed; never taken over from a process that lives. */
function hold(path: string, options: LockOptions): Promise<AsyncDisposable> {
  return new Promise((resolve, reject) => {
    const held = Promise.withResolvers<void>();
    const done = withFileLock(
      path,
      () => {
        resolve({
          [Symbol.asyncDispose]: async () => {
            held.resolve();
            await done;
          },
        });
        return held.promise;
      },
      { ...options, staleMs: Number.POSITIVE_INFINITY },
    );
    done.catch(reject);
  });
}

async function fill(context: StepContext, request: CacheRequest, path: string): Promise<void> {
  if (await isThere(path)) return;
  const namespace = await context.workshop.namespace();
  const enter = async (program: string, ...args: string[]): Promise<void> => {
    const entered = namespace.enter(program, args);
    await run(entered.program, entered.args, { signal: context.services.signal });
  };
  const partial = `${path}.${process.pid}.new`;
  await enter("rm", "-rf", partial);
  await enter("mkdir", partial);
  if (request.first !== undefined) await enter("cp", "-a", "--reflink=auto", `${request.first}/.`, partial);
  if (request.uid !== 0 || request.gid !== 0) await enter("chown", `${request.uid}:${request.gid}`, partial);
  await enter("chmod", request.mode.toString(8), partial);
  // Without -T a cache that another step made meanwhile would get ours inside.
  await enter("mv", "-nT", partial, path);
  await enter("rm", "-rf", partial);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}
