// Another registry, as a mirror sees it. What it sends is checked on its way; what it does not have is undefined.
import type { Digest } from "../../base/digest.ts";
import { type Descriptor, type DirectRegistry, OciError } from "../../oci/index.ts";
import { RegistryServerError } from "../error.ts";

export interface Upstream {
  /** HOST[:PORT], as in names of images. */
  readonly host: string;
  /** What a tag or digest stands for. */
  resolve(repository: string, reference: string): Promise<Descriptor | undefined>;
  /** An end without an error means that size and digest are right. */
  fetch(repository: string, descriptor: Descriptor): AsyncIterable<Uint8Array>;
  tags(repository: string): Promise<readonly string[] | undefined>;
  referrers(repository: string, subject: Digest): Promise<readonly Descriptor[]>;
}

/** An upstream over the registry client. */
export class RemoteUpstream implements Upstream {
  readonly host: string;
  readonly #registry: DirectRegistry;

  constructor(host: string, registry: DirectRegistry) {
    this.host = host;
    this.#registry = registry;
  }

  resolve(repository: string, reference: string): Promise<Descriptor | undefined> {
    return unlessMissing(this.#registry.open(repository).then((store) => store.resolve(reference)));
  }

  async *fetch(repository: string, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    yield* (await this.#registry.open(repository)).fetch(descriptor);
  }

  tags(repository: string): Promise<readonly string[] | undefined> {
    return unlessMissing(this.#registry.open(repository).then((store) => Array.fromAsync(store.tags())));
  }

  async referrers(repository: string, subject: Digest): Promise<readonly Descriptor[]> {
    return (await this.#registry.open(repository)).referrers(subject);
  }
}

const HOST_PATTERN = /^[A-Za-z0-9.*[\]-]+(?::[\d*]{1,5})?$/;

/** Throws RegistryServerError BAD_OPTION. */
export function parseMirrorHost(text: string): string {
  if (HOST_PATTERN.test(text)) return text;
  throw new RegistryServerError("BAD_OPTION", `cannot follow to ${JSON.stringify(text)}: want HOST[:PORT]`, {
    hint: "Name a host, with * for any part of it, such as *.blobs.example",
  });
}

/** `HOST[:PORT]`, or `http://HOST[:PORT]` for a registry without TLS. Throws RegistryServerError BAD_OPTION. */
export function parseUpstream(text: string): { readonly host: string; readonly insecure: boolean } {
  const [, scheme, host] =
    /^(?:(https?):\/\/)?([A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?)\/?$/.exec(text) ?? [];
  if (host !== undefined) return { host: host.toLowerCase(), insecure: scheme === "http" };
  throw new RegistryServerError("BAD_OPTION", `cannot mirror ${JSON.stringify(text)}: want HOST[:PORT]`, {
    hint: "Name a registry, such as docker.io, or http://HOST:PORT for one without TLS",
  });
}

async function unlessMissing<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (error instanceof OciError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
