// A Store at a registry: one repository of it (distribution-spec 1.1). Reads may be served by mirrors, which the settings
// name; everything that writes, and what decides about writing, goes to the registry itself.
import type { Digest } from "../../base/digest.ts";
import { concatBytes } from "../../base/bytes/index.ts";
import { countBytes, verifyStream } from "../../base/stream/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { assertManifestSize } from "../manifest.ts";
import { isDocumentType } from "../media-types.ts";
import { bytesOnce, chooseNamed, isAttachmentName, type NamedDescriptor, type RemoteStore } from "../store.ts";
import { downloadBlob, mayBeElsewhere } from "./download.ts";
import { RegistryError } from "./error.ts";
import { readManifest, type ReadManifest, resolveManifest, writeManifest } from "./manifests.ts";
import { readTags } from "./pages.ts";
import { discard } from "./read-body.ts";
import { addReferrer, readReferrers } from "./referrers.ts";
import { checkTag, RemoteRepository } from "./repository.ts";
import { mergeScopes, scopeOf } from "./scope.ts";
import type { RegistrySession } from "./session.ts";
import { uploadBlob } from "./upload-blob.ts";
import { type OnBytes, type OpenSource, startUpload, type Upload, uploadOf, uploadOnce } from "./upload.ts";

export interface RegistryStoreOptions {
  /** False where registries.d says so: then images have none, and attempts to write some fail. */
  readonly hasAttachments?: boolean;
  /** False: reads go to the registry itself, since what is read decides what is written. */
  readonly mirrors?: boolean;
}

export interface TransferOptions {
  /** Bytes that went over the wire; negative when some went in vain. */
  readonly onBytes?: OnBytes;
}

/** Blobs up to this size are kept until they have arrived, so that they can be sent again. */
const SMALL_BLOB_BYTES = 1024 * 1024;
/** Requests at once when every tag is looked up. */
const LOOKUPS = 8;

export class RegistryStore implements RemoteStore {
  readonly description: string;
  readonly #registry: string;
  readonly #repository: string;
  readonly #session: RegistrySession;
  /** Uploads that a registry offered in place of a mount. */
  readonly #offered = new Map<Digest, Upload>();
  /** What was pushed last is what is tagged next. */
  #lastManifest: ReadManifest | undefined;
  #origin: Promise<RemoteRepository> | undefined;
  readonly #hasAttachments: boolean;
  readonly #mirrors: boolean;

  private constructor(registry: string, repository: string, session: RegistrySession, options: RegistryStoreOptions) {
    this.#registry = registry;
    this.#repository = repository;
    this.#session = session;
    this.#hasAttachments = options.hasAttachments ?? true;
    this.#mirrors = options.mirrors ?? true;
    this.description = `docker://${registry}/${repository}`;
  }

  /** Nothing is asked yet. */
  static open(
    image: { readonly registry: string; readonly repository: string },
    session: RegistrySession,
    options: RegistryStoreOptions = {},
  ): RegistryStore {
    return new RegistryStore(image.registry, image.repository, session, options);
  }

  async exists(descriptor: Descriptor): Promise<boolean> {
    const repository = await this.#writable();
    const { digest } = descriptor;
    const kind = isDocumentType(descriptor.mediaType) ? "manifests" : "blobs";
    const answer = await repository.request({
      method: "HEAD",
      path: `${kind}/${digest}`,
      headers: isDocumentType(descriptor.mediaType) ? { accept: descriptor.mediaType } : {},
      expect: [200, 404],
      attempt: `look for ${digest} in ${this.description}`,
    });
    discard(answer);
    return answer.status === 200;
  }

  fetch(descriptor: Descriptor, options: TransferOptions = {}): AsyncIterable<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    return verifyStream(countBytes(this.#download(descriptor, what), options.onBytes), descriptor, what);
  }

  async push(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>, options: TransferOptions = {}): Promise<void> {
    const onBytes = options.onBytes ?? ignore;
    if (isDocumentType(descriptor.mediaType)) return this.#pushManifest(descriptor, bytes, onBytes);
    if (descriptor.sizeBytes <= SMALL_BLOB_BYTES) {
      const whole = await collect(descriptor, bytes);
      return this.uploadBlob(descriptor, (offset) => bytesOnce(whole.subarray(offset)), options);
    }
    const repository = await this.#writable();
    await uploadOnce(repository, descriptor, await this.#upload(repository, descriptor), countBytes(bytes, onBytes));
  }

  /** As `push`, from a source that can be read from any offset: goes on where it broke. */
  async uploadBlob(descriptor: Descriptor, open: OpenSource, options: TransferOptions = {}): Promise<void> {
    const repository = await this.#writable();
    await uploadBlob(repository, descriptor, open, {
      start: () => this.#upload(repository, descriptor),
      memory: descriptor.sizeBytes > SMALL_BLOB_BYTES ? this.#session.openUploads : undefined,
      has: () => this.exists(descriptor),
      onBytes: options.onBytes ?? ignore,
    });
  }

  /** True when the registry took the blob over from another of its repositories. */
  async mount(descriptor: Descriptor, fromRepository: string): Promise<boolean> {
    const repository = await this.#writable();
    try {
      const answer = await repository.request({
        method: "POST",
        path: `blobs/uploads/?mount=${descriptor.digest}&from=${encodeURIComponent(fromRepository)}`,
        scopes: mergeScopes(repository.pushScope, scopeOf(fromRepository, "pull")),
        expect: [201, 202],
        attempt: `mount ${descriptor.digest} from ${fromRepository} into ${this.description}`,
      });
      if (answer.status === 202) this.#offered.set(descriptor.digest, uploadOf(repository, answer));
      else discard(answer);
      return answer.status === 201;
    } catch (error) {
      // The other repository may be closed to us, or the registry may not mount: then the blob is pushed.
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  resolve(name?: string): Promise<Descriptor> {
    if (name === undefined) return this.list().then((entries) => chooseNamed(entries, name, this.description));
    if (this.#hides(name)) return Promise.reject(this.#withoutAttachments("read", name, "NOT_FOUND"));
    const isByDigest = name.includes(":");
    const reference = isByDigest ? name : checkTag(name);
    return this.#firstOf(isByDigest ? "digest" : "tag", (repository, tries) =>
      resolveManifest(repository, reference, tries),
    );
  }

  async list(): Promise<readonly NamedDescriptor[]> {
    const names = await Array.fromAsync(this.tags());
    const entries: NamedDescriptor[] = [];
    const repository = await this.#writable();
    for (let at = 0; at < names.length; at += LOOKUPS) {
      const part = names.slice(at, at + LOOKUPS);
      const descriptors = await Promise.all(part.map((name) => resolveManifest(repository, name)));
      entries.push(...descriptors.map((descriptor, index) => ({ name: part[index], descriptor })));
    }
    return entries;
  }

  async *tags(): AsyncGenerator<string> {
    yield* readTags(await this.#writable());
  }

  async tag(descriptor: Descriptor, name: string): Promise<void> {
    if (this.#hides(name)) throw this.#withoutAttachments("write", name, "UNSUPPORTED");
    const repository = await this.#writable();
    const last = this.#lastManifest;
    const { bytes } =
      last?.descriptor.digest === descriptor.digest ? last : await readManifest(repository, descriptor.digest);
    await writeManifest(repository, descriptor, bytes, checkTag(name));
  }

  /** Throws RegistryError UNSUPPORTED where the registry deletes by digest only. */
  async delete(name: string): Promise<void> {
    await this.#delete(`manifests/${checkTag(name)}`, `tag ${JSON.stringify(name)}`);
  }

  async deleteManifest(digest: Digest): Promise<void> {
    await this.#delete(`manifests/${digest}`, `manifest ${digest}`);
  }

  async deleteBlob(digest: Digest): Promise<void> {
    await this.#delete(`blobs/${digest}`, `blob ${digest}`);
  }

  /** What refers to a manifest, of all types or of one. */
  referrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    if (!this.#hasAttachments) return Promise.resolve([]);
    // A mirror that knows of none may not keep them.
    const isEnough = (found: readonly Descriptor[]): boolean => found.length > 0;
    return this.#firstOf("digest", (repository) => readReferrers(repository, subject, artifactType), isEnough);
  }

  #hides(name: string): boolean {
    return !this.#hasAttachments && isAttachmentName(name);
  }

  #withoutAttachments(attempt: string, name: string, code: "NOT_FOUND" | "UNSUPPORTED"): OciError {
    const where = `${name} of ${this.description}`;
    return new OciError(code, `cannot ${attempt} ${where}: registries.d has use-sigstore-attachments false for it`, {
      hint: "Ask who administers this machine, or change containers-registries.d(5)",
    });
  }

  async *#download(descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array> {
    if (!isDocumentType(descriptor.mediaType)) {
      yield* downloadBlob(await this.#readable("digest"), descriptor);
      return;
    }
    assertManifestSize(descriptor.sizeBytes, what);
    yield (await this.#firstOf("digest", (repository, tries) => readManifest(repository, descriptor.digest, tries)))
      .bytes;
  }

  async #pushManifest(descriptor: Descriptor, input: AsyncIterable<Uint8Array>, onBytes: OnBytes): Promise<void> {
    assertManifestSize(descriptor.sizeBytes, descriptor.digest);
    const bytes = await collect(descriptor, input);
    const repository = await this.#writable();
    const isListed = await writeManifest(repository, descriptor, bytes, descriptor.digest);
    onBytes(bytes.length);
    this.#lastManifest = { descriptor, bytes };
    if (!isListed) await addReferrer(repository, descriptor, bytes);
  }

  async #delete(path: string, what: string): Promise<void> {
    const repository = await this.#writable();
    const attempt = `delete ${what} of ${this.description}`;
    discard(
      await repository.request({
        method: "DELETE",
        path,
        scopes: repository.deleteScope,
        expect: [200, 202, 204],
        attempt,
      }),
    );
  }

  async #upload(repository: RemoteRepository, descriptor: Descriptor): Promise<Upload> {
    const offered = this.#offered.get(descriptor.digest);
    this.#offered.delete(descriptor.digest);
    return offered ?? startUpload(repository, descriptor);
  }

  /** The answer of the first endpoint that has one. Mirrors are asked once, the last endpoint with patience. */
  async #firstOf<T>(
    kind: "tag" | "digest",
    ask: (repository: RemoteRepository, tries: number | undefined) => Promise<T>,
    isEnough: (answer: T) => boolean = () => true,
  ): Promise<T> {
    const repositories = await this.#readable(kind);
    for (const repository of repositories.slice(0, -1)) {
      try {
        const answer = await ask(repository, 1);
        if (isEnough(answer)) return answer;
      } catch (error) {
        if (!mayBeElsewhere(error)) throw error;
      }
    }
    return ask(repositories.at(-1) as RemoteRepository, undefined);
  }

  async #readable(kind: "tag" | "digest"): Promise<readonly RemoteRepository[]> {
    if (!this.#mirrors) return [await this.#writable()];
    const { context } = this.#session;
    const endpoints = await context.settings.endpoints(this.#registry, this.#repository, kind);
    if (endpoints.length === 0) throw new OciError("NOT_FOUND", `cannot read ${this.description}: it has no endpoint`);
    const repositories = endpoints.map(
      ({ registry, repository, insecure }) =>
        new RemoteRepository(context, this.#session.host(registry, insecure), repository),
    );
    return repositories.filter(({ host }, index) => index === repositories.length - 1 || !host.isDown);
  }

  /** The registry itself. */
  #writable(): Promise<RemoteRepository> {
    const { context } = this.#session;
    this.#origin ??= context.settings
      .pushEndpoint(this.#registry, this.#repository)
      .then(
        ({ registry, repository, insecure }) =>
          new RemoteRepository(context, this.#session.host(registry, insecure), repository),
      );
    return this.#origin;
  }
}

/** A few MiB at most: the callers check. */
async function collect(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return concatBytes(await Array.fromAsync(verifyStream(bytes, descriptor, descriptor.digest)));
}

function isRefusal(error: unknown): boolean {
  if (error instanceof OciError) return error.code === "NOT_FOUND";
  return error instanceof RegistryError && ["UNAUTHORIZED", "DENIED", "UNSUPPORTED", "REFUSED"].includes(error.code);
}

function ignore(): void {}
