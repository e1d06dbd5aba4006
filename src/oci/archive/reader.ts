// An oci-archive: a tar of an OCI layout, read through random access without unpacking it.
import { verifyStream } from "../../base/stream/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { readImageIndex } from "../image-index.ts";
import { blobPath, INDEX_FILE, LAYOUT_FILE, MAX_INDEX_BYTES, REF_NAME } from "../layout/format.ts";
import { chooseNamed, type NamedDescriptor, type ReadableStore } from "../store.ts";
import { MemberFile } from "./members.ts";

export class ArchiveStore implements ReadableStore, Disposable {
  readonly description: string;
  readonly #members: MemberFile;

  private constructor(members: MemberFile) {
    this.description = members.description;
    this.#members = members;
  }

  /** Throws OciError NOT_FOUND, BAD_LAYOUT; system errors pass through. */
  static async open(path: string): Promise<ArchiveStore> {
    const members = await MemberFile.open("oci-archive", path);
    const missing = [LAYOUT_FILE, INDEX_FILE].find((name) => members.find(name) === undefined);
    if (missing === undefined) return new ArchiveStore(members);
    members[Symbol.dispose]();
    throw new OciError("BAD_LAYOUT", `cannot read ${path} as an oci-archive: it has no ${missing}`);
  }

  exists(descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#members.find(blobPath(descriptor.digest))?.sizeBytes === descriptor.sizeBytes);
  }

  fetch(descriptor: Descriptor): AsyncIterable<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    return verifyStream(this.#read(descriptor, what), descriptor, what);
  }

  async *#read(descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array> {
    const member = this.#members.find(blobPath(descriptor.digest));
    if (member === undefined) {
      throw new OciError("NOT_FOUND", `cannot read ${what}: the archive does not have this blob`, {
        data: { digest: descriptor.digest, store: this.description },
      });
    }
    yield* this.#members.stream(member);
  }

  async resolve(name?: string): Promise<Descriptor> {
    return chooseNamed(await this.list(), name, this.description);
  }

  async list(): Promise<readonly NamedDescriptor[]> {
    const bytes = await this.#members.readDocument(INDEX_FILE, MAX_INDEX_BYTES);
    const { manifests } = readImageIndex(bytes, `${INDEX_FILE} of ${this.description}`);
    return manifests.map((descriptor) => ({ name: descriptor.annotations?.[REF_NAME], descriptor }));
  }

  [Symbol.dispose](): void {
    this.#members[Symbol.dispose]();
  }
}
