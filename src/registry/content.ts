// Where a registry's answers to pulls come from: its own storage, or a mirror in front of it.
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { readRange } from "./http/file-body.ts";
import type { ByteRange } from "./http/range.ts";
import type { ContentDigest, RepositoryName, TagName } from "./names.ts";
import { ifThere } from "./storage/files.ts";
import type { ManifestRecord } from "./storage/manifest-record.ts";
import type { Storage } from "./storage/storage.ts";

/** An open blob; dispose when it was sent. */
export interface OpenBlob extends AsyncDisposable {
  readonly sizeBytes: number;
  read(range: ByteRange): AsyncIterable<Uint8Array>;
}

export interface StoredManifest {
  readonly record: ManifestRecord;
  readonly bytes: Uint8Array;
}

/** Undefined for what is not there. */
export interface Content {
  /** `claim`: the client may rely on the answer and push nothing. */
  blobSize(name: RepositoryName, digest: ContentDigest, claim: boolean): Promise<number | undefined>;
  openBlob(name: RepositoryName, digest: ContentDigest): Promise<OpenBlob | undefined>;
  manifest(name: RepositoryName, reference: TagName | ContentDigest): Promise<StoredManifest | undefined>;
  tags(name: RepositoryName): Promise<readonly TagName[] | undefined>;
  referrers(name: RepositoryName, subject: ContentDigest): Promise<readonly ManifestRecord[]>;
}

export class StoredContent implements Content {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  blobSize(name: RepositoryName, digest: ContentDigest, claim: boolean): Promise<number | undefined> {
    const repository = this.#storage.repository(name);
    return claim ? repository.claimBlob(digest) : repository.blobSize(digest);
  }

  async openBlob(name: RepositoryName, digest: ContentDigest): Promise<OpenBlob | undefined> {
    const repository = this.#storage.repository(name);
    if ((await repository.blobSize(digest)) === undefined) return undefined;
    const handle = await ifThere(open(repository.blobPath(digest), "r"));
    return handle === undefined ? undefined : await openFile(handle);
  }

  async manifest(name: RepositoryName, reference: TagName | ContentDigest): Promise<StoredManifest | undefined> {
    const repository = this.#storage.repository(name);
    const digest = isDigest(reference) ? reference : await repository.tag(reference);
    const record = digest === undefined ? undefined : await repository.manifest(digest);
    const bytes = record === undefined ? undefined : await repository.manifestBytes(record.digest);
    return record === undefined || bytes === undefined ? undefined : { record, bytes };
  }

  async tags(name: RepositoryName): Promise<readonly TagName[] | undefined> {
    const repository = this.#storage.repository(name);
    return (await repository.exists()) ? await repository.tags() : undefined;
  }

  referrers(name: RepositoryName, subject: ContentDigest): Promise<readonly ManifestRecord[]> {
    return this.#storage.repository(name).referrers(subject);
  }
}

export async function openFile(handle: FileHandle): Promise<OpenBlob> {
  const { size } = await handle.stat();
  return {
    sizeBytes: size,
    read: (range) => readRange(handle, range),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Tags have no colon. */
function isDigest(reference: TagName | ContentDigest): reference is ContentDigest {
  return reference.includes(":");
}
