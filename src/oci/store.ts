// The one contract for places that keep images: memory, OCI layout, archive, registry. Content is named by descriptor,
// images by name; what a name looks like is the store's own affair.
import { concatBytes } from "../base/bytes/index.ts";
import type { Descriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { assertManifestSize } from "./manifest.ts";

export interface NamedDescriptor {
  /** Undefined for content that the index lists without a name. */
  readonly name: string | undefined;
  readonly descriptor: Descriptor;
}

export interface ReadableStore {
  /** For messages: `oci:/path`, `docker://host/name`. */
  readonly description: string;
  exists(descriptor: Descriptor): Promise<boolean>;
  /**
   * The bytes, checked on their way: an end without an error means that size and digest are right.
   * Throws OciError NOT_FOUND, DigestError. Chunks belong to the caller.
   */
  fetch(descriptor: Descriptor): AsyncIterable<Uint8Array>;
  /** What follows an offset, not checked: where a store need not read what is before it. To go on with an upload. */
  fetchFrom?(descriptor: Descriptor, offset: number): AsyncIterable<Uint8Array>;
  /** What a name stands for; without a name the only image there is. Throws OciError NOT_FOUND, AMBIGUOUS. */
  resolve(name?: string): Promise<Descriptor>;
  list(): Promise<readonly NamedDescriptor[]>;
}

export interface Store extends ReadableStore {
  /** Keeps the bytes if they are what the descriptor says, else keeps nothing. Throws DigestError, IoError. */
  push(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Lets a name stand for content that has been pushed. */
  tag(descriptor: Descriptor, name: string): Promise<void>;
  /** Forgets a name; NOT_FOUND when it stands for nothing. The content stays until it is pruned. */
  delete(name: string): Promise<void>;
}

/** The bytes of a manifest, index or config: at most 4 MiB. */
export async function fetchDocument(store: ReadableStore, descriptor: Descriptor): Promise<Uint8Array> {
  assertManifestSize(descriptor.sizeBytes, `${descriptor.digest} in ${store.description}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.fetch(descriptor)) chunks.push(chunk);
  return concatBytes(chunks);
}

export async function* bytesOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export async function pushBytes(store: Store, descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
  if (!(await store.exists(descriptor))) await store.push(descriptor, bytesOnce(bytes));
}

/** A store at the other end of a network: a repository of a registry. */
export interface RemoteStore extends Store {
  /** True when the registry took the blob over from another of its repositories, without seeing its bytes. */
  mount(descriptor: Descriptor, fromRepository: string): Promise<boolean>;
  /** As `push`, going on from any offset where it broke; `onBytes` counts what went over the wire, less what was in vain. */
  uploadBlob(
    descriptor: Descriptor,
    open: (offset: number) => AsyncIterable<Uint8Array>,
    options: { readonly onBytes: (bytes: number) => void },
  ): Promise<void>;
}

export function isRemote(store: Store): store is RemoteStore {
  return "mount" in store && "uploadBlob" in store;
}

const ATTACHMENT_NAME = /^sha256-[0-9a-f]{64}(?:\.[a-z]{1,16})?$/;

/** Of what belongs to an image and is none: `sha256-HEX.sig` (cosign), `sha256-HEX` (the referrers tag schema). */
export function isAttachmentName(name: string | undefined): boolean {
  return name !== undefined && ATTACHMENT_NAME.test(name);
}

/**
 * The choice among named descriptors that layout, archive and memory share: by name, by digest, or by place in the list
 * (`@0` is the first).
 */
export function chooseNamed(
  entries: readonly NamedDescriptor[],
  name: string | undefined,
  description: string,
): Descriptor {
  const position = /^@(\d{1,6})$/.exec(name ?? "")?.[1];
  const found = entries.filter(
    (entry, index) =>
      (name === undefined && !isAttachmentName(entry.name)) ||
      entry.name === name ||
      entry.descriptor.digest === name ||
      (position !== undefined && Number(position) === index),
  );
  const first = found[0];
  const distinct = new Set(found.map(({ descriptor }) => descriptor.digest));
  if (first !== undefined && distinct.size === 1) return first.descriptor;
  const names = entries.map((entry) => entry.name ?? entry.descriptor.digest).slice(0, 20);
  if (first === undefined) {
    const what = name === undefined ? "an image" : JSON.stringify(name);
    throw new OciError(
      "NOT_FOUND",
      `cannot find ${what} in ${description}: it has ${names.length === 0 ? "no image" : names.join(", ")}`,
      {
        data: { store: description, name: name ?? null },
      },
    );
  }
  throw new OciError(
    "AMBIGUOUS",
    `cannot choose an image in ${description}: ${name === undefined ? "it has" : `${name} stands for`} several: ${names.join(", ")}`,
    {
      hint: "Name one of them after the path, as in oci:DIR:NAME",
      data: { store: description },
    },
  );
}
