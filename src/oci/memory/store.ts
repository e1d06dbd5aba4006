// A Store in memory, for tests and for images that are made and pushed in one go.
import { concatBytes } from "../../base/bytes/index.ts";
import type { Digest } from "../../base/digest.ts";
import { verifyStream } from "../../base/stream/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { bytesOnce, chooseNamed, type NamedDescriptor, type Store } from "../store.ts";

export class MemoryStore implements Store {
  readonly description = "memory";
  readonly #blobs = new Map<Digest, Uint8Array>();
  readonly #names = new Map<string, Descriptor>();

  exists(descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#blobs.has(descriptor.digest));
  }

  async *fetch(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const bytes = this.#blobs.get(descriptor.digest);
    if (bytes === undefined) throw new OciError("NOT_FOUND", `cannot find ${descriptor.digest} in memory`);
    yield* verifyStream(bytesOnce(bytes), descriptor, descriptor.digest);
  }

  async push(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of verifyStream(bytes, descriptor, descriptor.digest)) chunks.push(Uint8Array.from(chunk));
    this.#blobs.set(descriptor.digest, concatBytes(chunks));
  }

  async resolve(name?: string): Promise<Descriptor> {
    return chooseNamed(await this.list(), name, this.description);
  }

  list(): Promise<readonly NamedDescriptor[]> {
    return Promise.resolve([...this.#names].map(([name, descriptor]) => ({ name, descriptor })));
  }

  tag(descriptor: Descriptor, name: string): Promise<void> {
    this.#names.set(name, descriptor);
    return Promise.resolve();
  }

  delete(name: string): Promise<void> {
    if (this.#names.delete(name)) return Promise.resolve();
    return Promise.reject(new OciError("NOT_FOUND", `cannot forget ${JSON.stringify(name)}: memory has no such name`));
  }
}
