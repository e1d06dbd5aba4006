// Where a registry's answers to pulls come from: its own storage, or a mirror in front of it.
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { readRange } from "./http/file-body.ts";
import type { ByteRange } from "./http/range.ts";
import type { ContentDigest, TagName } from "./names.ts";
import { ifThere } from "./storage/files.ts";
import type { ManifestRecord, StoredManifest } from "./storage/manifest-record.ts";
import type { Repository } from "./storage/repository.ts";

/** An open blob; dispose when it was sent. */
export interface OpenBlob extends AsyncDisposable {
  readonly sizeBytes: number;
  read(range: ByteRange): AsyncIterable<Uint8Array>;
}

/** A repository as clients pull from it. Undefined for what is not there. */
export interface Content {
  /** `claim`: the client may rely on the answer and push nothing. */
  blobSize(digest: ContentDigest, claim: boolean): Promise<number | undefined>;
  openBlob(digest: ContentDigest): Promise<OpenBlob | undefined>;
  manifest(reference: TagName | ContentDigest): Promise<StoredManifest | undefined>;
  tags(): Promise<readonly TagName[] | undefined>;
  referrers(subject: ContentDigest): Promise<readonly ManifestRecord[]>;
}

export class StoredContent implements Content {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  blobSize(digest: ContentDigest, claim: boolean): Promise<number | undefined> {
    return claim ? this.#repository.claimBlob(digest) : this.#repository.blobSize(digest);
  }

  async openBlob(digest: ContentDigest): Promise<OpenBlob | undefined> {
    if ((await this.#repository.blobSize(digest)) === undefined) return undefined;
    const handle = await ifThere(open(this.#repository.blobPath(digest), "r"));
    return handle === undefined ? undefined : await openFile(handle);
  }

  manifest(reference: TagName | ContentDigest): Promise<StoredManifest | undefined> {
    return this.#repository.storedManifest(reference);
  }

  async tags(): Promise<readonly TagName[] | undefined> {
    return (await this.#repository.exists()) ? await this.#repository.tags() : undefined;
  }

  referrers(subject: ContentDigest): Promise<readonly ManifestRecord[]> {
    return this.#repository.referrers(subject);
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
