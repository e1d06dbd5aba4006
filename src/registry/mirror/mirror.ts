// Pull-through: what a client asks for and we do not have comes from an upstream, is verified, kept, and sent on at once.
// Everybody who asks for the same thing meanwhile gets it from the same fetch. When the upstream does not answer, what was
// kept serves. Upstream credentials stay in the registry client; nothing of them, nor of its messages, reaches clients.
import { concatBytes } from "../../base/bytes/index.ts";
import { type Digest, isDigest } from "../../base/digest.ts";
import { type Descriptor, MAX_MANIFEST_BYTES } from "../../oci/index.ts";
import { type Content, type OpenBlob, StoredContent } from "../content.ts";
import { RequestError } from "../error.ts";
import { references } from "../manifest.ts";
import type { Metrics } from "../metrics.ts";
import { type ContentDigest, isTagName, type TagName } from "../names.ts";
import { Serial } from "../serial.ts";
import type { ManifestRecord, StoredManifest } from "../storage/manifest-record.ts";
import type { Repository } from "../storage/repository.ts";
import type { Storage } from "../storage/storage.ts";
import { Download } from "./download.ts";
import type { MirroredName } from "./names.ts";

/** After a failure the upstream is left alone for so long, as far as there is something kept. */
const DOWN_MS = 15_000;
const MAX_DOWNLOADS = 128;

export interface MirrorOptions {
  readonly storage: Storage;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/** What all mirrored repositories share. */
export class Mirror {
  readonly options: MirrorOptions;
  readonly serial: Serial = new Serial();
  readonly downloads: Map<string, Promise<Download>> = new Map();
  readonly flights: Map<string, Promise<StoredManifest | undefined>> = new Map();
  readonly downUntil: Map<string, number> = new Map();

  constructor(options: MirrorOptions) {
    this.options = options;
  }

  content(name: MirroredName): Content {
    return new MirroredContent(this, name);
  }
}

class MirroredContent implements Content {
  readonly #mirror: Mirror;
  readonly #name: MirroredName;
  readonly #repository: Repository;
  readonly #stored: StoredContent;

  constructor(mirror: Mirror, name: MirroredName) {
    this.#mirror = mirror;
    this.#name = name;
    this.#repository = mirror.options.storage.repository(name.storedAs);
    this.#stored = new StoredContent(this.#repository);
  }

  async blobSize(digest: ContentDigest): Promise<number | undefined> {
    return (await this.#repository.blobSize(digest)) ?? (await this.#named(digest))?.sizeBytes;
  }

  async openBlob(digest: ContentDigest): Promise<OpenBlob | undefined> {
    const stored = await this.#stored.openBlob(digest);
    this.#count("blob", stored === undefined ? "upstream" : "storage");
    if (stored !== undefined) return stored;
    return await this.#asking(async () => await (await this.#download(digest))?.opened());
  }

  async manifest(reference: TagName | ContentDigest): Promise<StoredManifest | undefined> {
    const stored = await this.#stored.manifest(reference);
    // A digest never changes its meaning, a tag may.
    if (stored !== undefined && (!isTagName(reference) || this.#isDown)) {
      this.#count("manifest", "storage");
      return stored;
    }
    const { flights } = this.#mirror;
    const key = this.#key(reference);
    const flight = flights.get(key) ?? this.#fetchManifest(reference).finally(() => flights.delete(key));
    flights.set(key, flight);
    this.#count("manifest", "upstream");
    return await this.#asking(() => flight, stored);
  }

  async tags(): Promise<readonly TagName[] | undefined> {
    const stored = await this.#stored.tags();
    if (stored !== undefined && this.#isDown) return stored;
    const { upstream, repository } = this.#name;
    const tags = await this.#asking(() => upstream.tags(repository), stored);
    return tags === undefined ? undefined : tags.filter(isTagName).sort();
  }

  async referrers(subject: ContentDigest): Promise<readonly ManifestRecord[]> {
    const stored = await this.#repository.referrers(subject);
    const { upstream, repository } = this.#name;
    if (!isDigest(subject) || (stored.length > 0 && this.#isDown)) return stored;
    const found = await this.#asking(() => upstream.referrers(repository, subject), undefined, stored.length > 0);
    return found === undefined ? stored : found.map(recordOf).sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  get #isDown(): boolean {
    return (this.#mirror.downUntil.get(this.#name.upstream.host) ?? 0) > this.#mirror.options.now();
  }

  async #fetchManifest(reference: TagName | ContentDigest): Promise<StoredManifest | undefined> {
    const { upstream, repository, storedAs } = this.#name;
    const descriptor = await upstream.resolve(repository, reference);
    if (descriptor === undefined) return undefined;
    const digest = digestIn(descriptor);
    const manifest = (await this.#stored.manifest(digest)) ?? (await this.#keepManifest(descriptor));
    if (isTagName(reference)) {
      await this.#mirror.serial.run(storedAs, async () => {
        if ((await this.#repository.tag(reference)) !== digest) await this.#repository.putTag(reference, digest);
      });
    }
    return manifest;
  }

  async #keepManifest(descriptor: Descriptor): Promise<StoredManifest> {
    const { upstream, repository } = this.#name;
    if (descriptor.sizeBytes > MAX_MANIFEST_BYTES)
      throw new RequestError("UNAVAILABLE", "cannot keep a manifest of this size", { status: 502 });
    const bytes = concatBytes(await Array.fromAsync(upstream.fetch(repository, descriptor)));
    const { blobs: _, ...facts } = references(bytes, descriptor.mediaType);
    const record = { ...facts, digest: digestIn(descriptor), size: bytes.length };
    await this.#repository.putManifest(record, bytes);
    return { record, bytes };
  }

  /** A blob that a kept manifest names: nothing else is fetched. */
  async #named(digest: ContentDigest): Promise<Descriptor | undefined> {
    if (!isDigest(digest)) return undefined;
    for (const manifest of await this.#repository.manifestDigests()) {
      const blob = (await this.#repository.blobsOf(manifest)).find((reference) => reference.digest === digest);
      if (blob !== undefined) return { mediaType: "application/octet-stream", digest, sizeBytes: blob.sizeBytes };
    }
    return undefined;
  }

  /** The fetch that runs, or a new one; undefined for a blob that no kept manifest names. */
  async #download(digest: ContentDigest): Promise<Download | undefined> {
    const { downloads, options } = this.#mirror;
    const { upstream, repository } = this.#name;
    const key = this.#key(digest);
    const descriptor = downloads.has(key) ? undefined : await this.#named(digest);
    // Somebody else may have started it meanwhile.
    const running = downloads.get(key);
    if (running !== undefined || descriptor === undefined) return running;
    if (downloads.size >= MAX_DOWNLOADS)
      throw new RequestError("TOOMANYREQUESTS", "cannot fetch more blobs at once", { headers: { "Retry-After": "5" } });
    const started = Download.start(
      options.storage.blobs.path(digest),
      descriptor.sizeBytes,
      upstream.fetch(repository, descriptor),
      () => this.#repository.linkBlob(digest),
    );
    downloads.set(key, started);
    void started
      .then((download) => download.done)
      .catch(options.onError)
      .finally(() => downloads.delete(key));
    return started;
  }

  /** Asks the upstream; when it does not answer, `kept` serves. Throws UNAVAILABLE. */
  async #asking<T>(ask: () => Promise<T>, kept?: T, isKept = kept !== undefined): Promise<T | undefined> {
    const { downUntil, options } = this.#mirror;
    try {
      return await ask();
    } catch (error) {
      if (error instanceof RequestError) throw error;
      options.onError(error);
      downUntil.set(this.#name.upstream.host, options.now() + DOWN_MS);
      if (isKept) return kept;
      throw new RequestError("UNAVAILABLE", "cannot get this from upstream now", { status: 502, cause: error });
    }
  }

  #key(reference: TagName | ContentDigest): string {
    return `${this.#name.storedAs}@${reference}`;
  }

  #count(kind: string, from: string): void {
    this.#mirror.options.metrics.add("slipway_registry_mirror_total", 1, { kind, from });
  }
}

function digestIn({ digest }: { readonly digest: Digest }): ContentDigest {
  return digest as string as ContentDigest;
}

function recordOf(descriptor: Descriptor): ManifestRecord {
  const { mediaType, sizeBytes, artifactType, annotations } = descriptor;
  return {
    mediaType,
    digest: digestIn(descriptor),
    size: sizeBytes,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
