// An oci-archive: a tar of an OCI layout, read through random access without unpacking it. Compressed archives are
// refused: they have no random access.
import { byteStringToUtf8 } from "../../base/bytes/index.ts";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { FileSource, readBytes } from "../../base/io/index.ts";
import { verifyStream } from "../../base/stream/index.ts";
import { scanTar, TarError } from "../../formats/tar/index.ts";
import { entryPath } from "../../tree/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { readImageIndex } from "../image-index.ts";
import { blobPath, INDEX_FILE, LAYOUT_FILE, MAX_INDEX_BYTES, REF_NAME } from "../layout/format.ts";
import { streamSource } from "../layout/read-file.ts";
import { chooseNamed, type NamedDescriptor, type ReadableStore } from "../store.ts";

interface Member {
  readonly offset: number;
  readonly sizeBytes: number;
}

export class ArchiveStore implements ReadableStore, Disposable {
  readonly description: string;
  readonly #source: FileSource;
  readonly #members: ReadonlyMap<string, Member>;

  private constructor(source: FileSource, members: ReadonlyMap<string, Member>) {
    this.description = `oci-archive:${source.path}`;
    this.#source = source;
    this.#members = members;
  }

  /** Throws OciError NOT_FOUND, BAD_LAYOUT; system errors pass through. */
  static async open(path: string): Promise<ArchiveStore> {
    const source = openSource(path);
    try {
      const members = await readMembers(source);
      if (!members.has(LAYOUT_FILE) || !members.has(INDEX_FILE)) {
        throw new OciError(
          "BAD_LAYOUT",
          `cannot read ${path} as an oci-archive: it has no ${members.has(LAYOUT_FILE) ? INDEX_FILE : LAYOUT_FILE}`,
        );
      }
      return new ArchiveStore(source, members);
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  exists(descriptor: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#members.get(blobPath(descriptor.digest))?.sizeBytes === descriptor.sizeBytes);
  }

  async *fetch(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    const member = this.#members.get(blobPath(descriptor.digest));
    if (member === undefined) {
      throw new OciError("NOT_FOUND", `cannot read ${what}: the archive does not have this blob`, {
        data: { digest: descriptor.digest, store: this.description },
      });
    }
    yield* verifyStream(streamSource(this.#source, member.offset, member.sizeBytes), descriptor, what);
  }

  async resolve(name?: string): Promise<Descriptor> {
    return chooseNamed(await this.list(), name, this.description);
  }

  async list(): Promise<readonly NamedDescriptor[]> {
    const member = this.#members.get(INDEX_FILE) as Member;
    const what = `${INDEX_FILE} of ${this.description}`;
    if (member.sizeBytes > MAX_INDEX_BYTES)
      throw new OciError("LIMIT", `cannot read ${what}: ${member.sizeBytes} bytes, more than ${MAX_INDEX_BYTES}`);
    const { manifests } = readImageIndex(await readBytes(this.#source, member.offset, member.sizeBytes), what);
    return manifests.map((descriptor) => ({ name: descriptor.annotations?.[REF_NAME], descriptor }));
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}

function openSource(path: string): FileSource {
  try {
    return FileSource.open(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new OciError("NOT_FOUND", `cannot read ${path} as an oci-archive: there is no such file`, {
      cause: error,
      data: { path },
    });
  }
}

async function readMembers(source: FileSource): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  try {
    for (const entry of await scanTar(source)) {
      const span = entry.spans[0];
      // A sparse member has no bytes in one run; no writer of archives makes any.
      if (entry.type !== "file" || span === undefined || span.length !== entry.sizeBytes) continue;
      members.set(byteStringToUtf8(entryPath(entry.path)) ?? "", { offset: span.offset, sizeBytes: span.length });
    }
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw new OciError("BAD_LAYOUT", `cannot read ${source.path} as an oci-archive: ${messageOf(error)}`, {
      hint: "Decompress the archive first if it is compressed",
      cause: error,
      data: { path: source.path },
    });
  }
  return members;
}
