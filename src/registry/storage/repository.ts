// One repository: which blobs it has, its manifests, tags and referrers. What a client was told to be there is there:
// each change is synced before the method returns, in an order in which a crash leaves nothing that points nowhere.
import { readFile, stat } from "node:fs/promises";
import { type BlobReference, references } from "../manifest.ts";
import { type ContentDigest, isContentDigest, isTagName, type RepositoryName, type TagName } from "../names.ts";
import type { Blobs } from "./blobs.ts";
import {
  createMarker,
  ifThere,
  namesIn,
  readJsonFile,
  removeFile,
  touch,
  type TouchOptions,
  writeDurable,
} from "./files.ts";
import type { ManifestRecord, StoredManifest } from "./manifest-record.ts";
import { digestOfFile, type StoragePaths } from "./paths.ts";

export class Repository {
  readonly name: RepositoryName;
  readonly #paths: StoragePaths;
  readonly #blobs: Blobs;
  /** Undefined for a storage that is only read. */
  readonly #touch: TouchOptions | undefined;

  constructor(name: RepositoryName, paths: StoragePaths, blobs: Blobs, touchOptions: TouchOptions | undefined) {
    this.name = name;
    this.#paths = paths;
    this.#blobs = blobs;
    this.#touch = touchOptions;
  }

  /** A repository is there once something was pushed to it. */
  async exists(): Promise<boolean> {
    for (const path of [this.#paths.manifests(this.name), this.#paths.links(this.name)])
      if ((await ifThere(stat(path))) !== undefined) return true;
    return false;
  }

  /** Size of a blob of this repository. */
  async blobSize(digest: ContentDigest): Promise<number | undefined> {
    const link = await ifThere(stat(this.#paths.link(this.name, digest)));
    return link === undefined ? undefined : await this.#blobs.sizeOf(digest);
  }

  /** As `blobSize`, for a client that is going to rely on the answer. */
  async claimBlob(digest: ContentDigest): Promise<number | undefined> {
    if (this.#touch === undefined) return await this.blobSize(digest);
    const link = await touch(this.#paths.link(this.name, digest), this.#touch);
    return link === undefined ? undefined : await this.#blobs.touch(digest, this.#touch);
  }

  blobPath(digest: ContentDigest): string {
    return this.#blobs.path(digest);
  }

  /** Makes a blob one of this repository. It is seen as soon as the storage has it, too. */
  async linkBlob(digest: ContentDigest): Promise<void> {
    await createMarker(this.#paths.link(this.name, digest), this.#touch?.nowMs ?? 0);
  }

  unlinkBlob(digest: ContentDigest): Promise<boolean> {
    return removeFile(this.#paths.link(this.name, digest));
  }

  manifest(digest: ContentDigest): Promise<ManifestRecord | undefined> {
    return readJsonFile<ManifestRecord>(this.#paths.manifest(this.name, digest));
  }

  async manifestDigests(): Promise<readonly ContentDigest[]> {
    return (await namesIn(this.#paths.manifests(this.name))).flatMap((name) => digestOfFile(name) ?? []);
  }

  /** A manifest with its bytes. */
  async storedManifest(reference: TagName | ContentDigest): Promise<StoredManifest | undefined> {
    const digest = isTagName(reference) ? await this.tag(reference) : reference;
    const record = digest === undefined ? undefined : await this.manifest(digest);
    const bytes = record === undefined ? undefined : await ifThere(readFile(this.#blobs.path(record.digest)));
    return record === undefined || bytes === undefined ? undefined : { record, bytes };
  }

  /** The blobs that a manifest names. */
  async blobsOf(digest: ContentDigest): Promise<readonly BlobReference[]> {
    const found = await this.storedManifest(digest);
    return found === undefined ? [] : references(found.bytes, found.record.mediaType).blobs;
  }

  /** Bytes first, the manifest's entry last: before that nobody sees it. */
  async putManifest(record: ManifestRecord, bytes: Uint8Array): Promise<void> {
    const { digest, subject } = record;
    await this.#blobs.write(digest, bytes);
    const json = Buffer.from(`${JSON.stringify(record)}\n`);
    if (subject !== undefined) await writeDurable(this.#paths.referrer(this.name, subject, digest), json);
    await writeDurable(this.#paths.manifest(this.name, digest), json);
  }

  /** Removes a manifest with the tags that stand for it. */
  async deleteManifest(record: ManifestRecord): Promise<void> {
    for (const tag of await this.tags()) if ((await this.tag(tag)) === record.digest) await this.deleteTag(tag);
    await removeFile(this.#paths.manifest(this.name, record.digest));
    if (record.subject !== undefined) await removeFile(this.#paths.referrer(this.name, record.subject, record.digest));
  }

  /** What a tag stands for. */
  async tag(tag: TagName): Promise<ContentDigest | undefined> {
    const text = (await ifThere(readFile(this.#paths.tag(this.name, tag), "utf8")))?.trim();
    return text !== undefined && isContentDigest(text) ? text : undefined;
  }

  putTag(tag: TagName, digest: ContentDigest): Promise<void> {
    return writeDurable(this.#paths.tag(this.name, tag), Buffer.from(`${digest}\n`));
  }

  deleteTag(tag: TagName): Promise<boolean> {
    return removeFile(this.#paths.tag(this.name, tag));
  }

  /** Sorted as bytes. */
  async tags(): Promise<readonly TagName[]> {
    return (await namesIn(this.#paths.tags(this.name))).filter(isTagName).sort();
  }

  /** Manifests whose subject is this digest, sorted by digest. */
  async referrers(subject: ContentDigest): Promise<readonly ManifestRecord[]> {
    const found: ManifestRecord[] = [];
    for (const name of [...(await namesIn(this.#paths.referrers(this.name, subject)))].sort()) {
      const digest = digestOfFile(name);
      const record = digest === undefined ? undefined : await this.manifest(digest);
      if (record !== undefined) found.push(record);
    }
    return found;
  }
}
