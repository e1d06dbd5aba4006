// Archives in the making: a tar file that appears whole when it is finished. Members get their place when they are pushed;
// what else belongs to the archive follows at its end. Two forms use it: oci-archive here, docker-archive beside.
import { AtomicFile } from "../../base/io/index.ts";
import { verifyStream } from "../../base/stream/index.ts";
import { encodeTarHeader, TAR_END, tarPadding } from "../../formats/tar/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { EMPTY_INDEX, formatImageIndex } from "../image-index.ts";
import { blobPath, INDEX_FILE, LAYOUT_FILE, LAYOUT_JSON, REF_NAME } from "../layout/format.ts";
import { streamSource } from "../layout/read-file.ts";
import { bytesOnce, chooseNamed, type NamedDescriptor, type Store } from "../store.ts";
import type { Member } from "./members.ts";

export interface ClosingMember {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What tells one kind of archive from another. */
export interface ArchiveForm {
  readonly transport: string;
  /** Where a blob goes. Throws OciError UNSUPPORTED for what the form has no place for. */
  memberPath(descriptor: Descriptor): string;
  /** The members that name the images. */
  closing(images: readonly NamedDescriptor[], store: Store): Promise<readonly ClosingMember[]>;
}

export const OCI_ARCHIVE: ArchiveForm = {
  transport: "oci-archive",
  memberPath: ({ digest }) => blobPath(digest),
  closing: (images) => {
    const manifests = images.map(({ name, descriptor }) =>
      name === undefined ? descriptor : { ...descriptor, annotations: { ...descriptor.annotations, [REF_NAME]: name } },
    );
    return Promise.resolve([
      { path: INDEX_FILE, bytes: formatImageIndex({ ...EMPTY_INDEX, manifests }) },
      { path: LAYOUT_FILE, bytes: Buffer.from(LAYOUT_JSON) },
    ]);
  },
};

/** Dispose without `finish` leaves nothing. */
export class ArchiveWriter implements Store, AsyncDisposable {
  readonly description: string;
  readonly #form: ArchiveForm;
  readonly #file: AtomicFile;
  readonly #members = new Map<string, Member>();
  readonly #images: NamedDescriptor[] = [];
  #endBytes = 0;

  private constructor(form: ArchiveForm, file: AtomicFile) {
    this.description = `${form.transport}:${file.path}`;
    this.#form = form;
    this.#file = file;
  }

  /** A file of that name is replaced when the new one is finished. Throws IoError. */
  static async create(form: ArchiveForm, path: string): Promise<ArchiveWriter> {
    return new ArchiveWriter(form, await AtomicFile.create(path, { syncEveryBytes: 64 * 1024 * 1024 }));
  }

  exists(descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#members.has(this.#form.memberPath(descriptor)));
  }

  fetch(descriptor: Descriptor): AsyncIterable<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    return verifyStream(this.#read(descriptor, what), descriptor, what);
  }

  async *#read(descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array> {
    const member = this.#members.get(this.#form.memberPath(descriptor));
    if (member === undefined) throw new OciError("NOT_FOUND", `cannot read ${what}: it was not pushed`);
    const source = {
      sizeBytes: this.#endBytes,
      read: (offset: number, target: Uint8Array) => this.#file.read(offset, target),
    };
    yield* streamSource(source, member.offset, member.sizeBytes);
  }

  async push(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#form.memberPath(descriptor);
    if (this.#members.has(path)) return;
    const member = await this.#append(path, descriptor.sizeBytes, verifyStream(bytes, descriptor, descriptor.digest));
    this.#members.set(path, member);
  }

  async resolve(name?: string): Promise<Descriptor> {
    return chooseNamed(await this.list(), name, this.description);
  }

  list(): Promise<readonly NamedDescriptor[]> {
    return Promise.resolve([...this.#images]);
  }

  async tag(descriptor: Descriptor, name: string): Promise<void> {
    await this.delete(name).catch(() => undefined);
    this.#images.push({ name, descriptor });
  }

  /** An image without a name. */
  addUnnamed(descriptor: Descriptor): void {
    this.#images.push({ name: undefined, descriptor });
  }

  delete(name: string): Promise<void> {
    const at = this.#images.findIndex((image) => image.name === name);
    if (at < 0) {
      return Promise.reject(
        new OciError("NOT_FOUND", `cannot forget ${JSON.stringify(name)}: ${this.description} has no such name`),
      );
    }
    this.#images.splice(at, 1);
    return Promise.resolve();
  }

  /** Writes what names the images, and lets the file appear. */
  async finish(): Promise<void> {
    for (const { path, bytes } of await this.#form.closing(this.#images, this)) {
      await this.#append(path, bytes.length, bytesOnce(bytes));
    }
    await this.#file.write(this.#endBytes, TAR_END);
    await this.#file.commit();
  }

  async #append(path: string, sizeBytes: number, bytes: AsyncIterable<Uint8Array>): Promise<Member> {
    const header = encodeTarHeader({ type: "file", path, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes });
    const start = this.#endBytes;
    const member = { offset: start + header.length, sizeBytes };
    // Taken before the first await: the next member may be on its way already. The padding is a hole.
    this.#endBytes = member.offset + sizeBytes + tarPadding(sizeBytes);
    await this.#file.write(start, header);
    await this.#file.writeStream(bytes, member.offset);
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
