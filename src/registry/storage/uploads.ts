// Blob uploads on their way. The bytes lie in one append-only file of the repository, so that an upload outlives the
// server; the hash so far is kept in memory, and computed again from the file when it is not there any more.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { GatheredWriter, SyncBehind, writeError } from "../../base/io/index.ts";
import { RequestError } from "../error.ts";
import { algorithmOf, type ContentDigest, type DigestAlgorithm, type RepositoryName } from "../names.ts";
import type { Blobs } from "./blobs.ts";
import { ensureDirectory, ifThere, isMissing } from "./files.ts";
import { isUploadId, type StoragePaths } from "./paths.ts";
import type { Repository } from "./repository.ts";

/** A request's body: what is left of it can be refused. */
export interface UploadBody extends AsyncIterable<Uint8Array> {
  destroy(error: Error): unknown;
}

export const EMPTY_BODY: UploadBody = { async *[Symbol.asyncIterator]() {}, destroy: () => undefined };

interface Session {
  readonly owner: string;
  readonly algorithm: DigestAlgorithm;
  /** Of the first `hashedBytes` bytes. */
  readonly hash: Hash;
  hashedBytes: number;
  usedMs: number;
  running?: { readonly body: UploadBody; readonly done: Promise<unknown> };
}

export interface StartUpload {
  readonly name: RepositoryName;
  /** Who is charged for it: a user or an address. */
  readonly owner: string;
  readonly algorithm: DigestAlgorithm;
}

export interface UploadsOptions {
  readonly newId: () => string;
  readonly maxPerOwner: number;
  readonly now: () => number;
}

/** In messages, which clients see: no path. */
const UPLOAD = "the upload";
const SYNC_BYTES = 32 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 10;
const NOT_HASHED = -1;
/** An upload that nobody has touched for so long is not held against its owner. */
const IDLE_MS = 10 * 60_000;

export class Uploads {
  readonly #paths: StoragePaths;
  readonly #blobs: Blobs;
  readonly #options: UploadsOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(paths: StoragePaths, blobs: Blobs, options: UploadsOptions) {
    this.#paths = paths;
    this.#blobs = blobs;
    this.#options = options;
  }

  get open(): number {
    return this.#sessions.size;
  }

  /** A new upload's id. Throws TOOMANYREQUESTS. */
  async start({ name, owner, algorithm }: StartUpload): Promise<string> {
    const owned = this.#ownedBy(owner);
    if (owned >= this.#options.maxPerOwner)
      throw new RequestError("TOOMANYREQUESTS", `cannot start an upload: ${owned} are open, finish or cancel some`, {
        headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
      });
    const id = this.#options.newId();
    this.#sessions.set(id, this.#newSession(owner, algorithm));
    try {
      await ensureDirectory(this.#paths.uploads(name));
      await using handle = await open(this.#paths.upload(name, id), "wx", 0o644);
      await handle.close();
    } catch (error) {
      this.#sessions.delete(id);
      throw writeError(this.#paths.uploads(name), error);
    }
    return id;
  }

  /** Bytes that have arrived. Throws BLOB_UPLOAD_UNKNOWN. */
  async sizeOf(name: RepositoryName, id: string): Promise<number> {
    const found = isUploadId(id) ? await ifThere(stat(this.#paths.upload(name, id))) : undefined;
    if (found === undefined) throw unknownUpload();
    return found.size;
  }

  /** Appends a body; the new size. What had arrived of a body that breaks off stays. Throws RequestError, IoError. */
  append(name: RepositoryName, id: string, body: UploadBody, at?: number): Promise<number> {
    return this.#exclusively(name, id, body, async (session) => {
      await using handle = await this.#open(name, id);
      return await this.#append(handle, session, body, at);
    });
  }

  /**
   * Appends the rest, checks the digest, and makes it a blob of the repository; its size.
   * Throws RequestError DIGEST_INVALID, IoError.
   */
  finish(repository: Repository, id: string, digest: ContentDigest, body: UploadBody, at?: number): Promise<number> {
    const { name } = repository;
    return this.#exclusively(name, id, body, async (session) => {
      const path = this.#paths.upload(name, id);
      await using handle = await this.#open(name, id);
      const sizeBytes = await this.#append(handle, session, body, at);
      const found = await this.#digest(session, path, sizeBytes, algorithmOf(digest));
      if (found !== digest) {
        await rm(path, { force: true });
        this.#sessions.delete(id);
        throw new RequestError("DIGEST_INVALID", `cannot keep the blob: its digest is ${found}, wanted is ${digest}`);
      }
      await handle.sync();
      // The link first: garbage collection would take a blob without one.
      await repository.linkBlob(digest);
      await this.#blobs.adopt(digest, path);
      this.#sessions.delete(id);
      return sizeBytes;
    });
  }

  /** Throws BLOB_UPLOAD_UNKNOWN. */
  cancel(name: RepositoryName, id: string): Promise<void> {
    return this.#exclusively(name, id, EMPTY_BODY, async () => {
      await this.sizeOf(name, id);
      await rm(this.#paths.upload(name, id), { force: true });
      this.#sessions.delete(id);
    });
  }

  /** Forgets an upload whose file is gone. */
  forget(id: string): void {
    this.#sessions.delete(id);
  }

  /** Breaks off what runs: the files stay for clients that come back. */
  async stop(): Promise<void> {
    const running = [...this.#sessions.values()].flatMap((session) => session.running ?? []);
    for (const { body } of running) body.destroy(brokenOff());
    await Promise.allSettled(running.map(({ done }) => done));
  }

  /** One request at a time; a newer one breaks off an older, whose client has most likely lost its connection. */
  async #exclusively<T>(
    name: RepositoryName,
    id: string,
    body: UploadBody,
    action: (session: Session) => Promise<T>,
  ): Promise<T> {
    await this.sizeOf(name, id);
    const session = this.#sessions.get(id) ?? this.#newSession("", "sha256");
    this.#sessions.set(id, session);
    session.usedMs = this.#options.now();
    while (session.running !== undefined) {
      session.running.body.destroy(brokenOff());
      await session.running.done.catch(() => undefined);
    }
    const done = action(session).finally(() => delete session.running);
    session.running = { body, done };
    return await done;
  }

  #newSession(owner: string, algorithm: DigestAlgorithm): Session {
    return { owner, algorithm, hash: createHash(algorithm), hashedBytes: 0, usedMs: this.#options.now() };
  }

  /** Forgets idle ones: their files stay, and clients that come back find them. */
  #ownedBy(owner: string): number {
    const idleSinceMs = this.#options.now() - IDLE_MS;
    let owned = 0;
    for (const [id, session] of this.#sessions) {
      if (session.running === undefined && session.usedMs < idleSinceMs) this.#sessions.delete(id);
      else if (session.owner === owner) owned++;
    }
    return owned;
  }

  async #open(name: RepositoryName, id: string): Promise<FileHandle> {
    try {
      return await open(this.#paths.upload(name, id), "r+");
    } catch (error) {
      throw isMissing(error) ? unknownUpload() : error;
    }
  }

  async #append(handle: FileHandle, session: Session, body: UploadBody, at: number | undefined): Promise<number> {
    const { size } = await handle.stat();
    if (at !== undefined && at !== size) {
      throw new RequestError("BLOB_UPLOAD_INVALID", `cannot append at byte ${at}: the upload has ${size} bytes`, {
        status: 416,
        headers: { Range: uploadRange(size) },
      });
    }
    // Not all of the file went through this hash: another server's, or a write that failed.
    if (session.hashedBytes !== size) session.hashedBytes = NOT_HASHED;
    const behind = new SyncBehind(handle, UPLOAD, SYNC_BYTES);
    const writer = new GatheredWriter(handle, UPLOAD, size, behind);
    try {
      for await (const chunk of body) {
        if (session.hashedBytes !== NOT_HASHED) {
          session.hash.update(chunk);
          session.hashedBytes += chunk.length;
        }
        await writer.write(chunk);
      }
    } finally {
      // What arrived before the body broke off is kept.
      await writer.end();
      await behind.finish();
    }
    return writer.position;
  }

  async #digest(session: Session, path: string, sizeBytes: number, algorithm: DigestAlgorithm): Promise<string> {
    if (session.hashedBytes === sizeBytes && session.algorithm === algorithm)
      return `${algorithm}:${session.hash.copy().digest("hex")}`;
    const hash = createHash(algorithm);
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Uint8Array);
    return `${algorithm}:${hash.digest("hex")}`;
  }
}

/** `Range` of an upload as the specification has it; of an empty one as registries do. */
export function uploadRange(sizeBytes: number): string {
  return `0-${Math.max(sizeBytes - 1, 0)}`;
}

function brokenOff(): RequestError {
  return new RequestError("BLOB_UPLOAD_INVALID", "broken off: the upload goes on in another request", { status: 409 });
}

function unknownUpload(): RequestError {
  return new RequestError(
    "BLOB_UPLOAD_UNKNOWN",
    "cannot find the upload: it was finished, cancelled, or never started",
  );
}
