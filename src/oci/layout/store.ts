// A Store in an OCI image layout directory (image-spec image-layout.md). Blobs appear whole or not at all; index.json is
// replaced atomically under a lock. Blobs are kept exactly as received.
import { createHash } from "node:crypto";
import { mkdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { finishDigest } from "../../base/digest.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { AtomicFile, IoError, sweepPartials, writeError, writeFileAtomic } from "../../base/io/index.ts";
import { hashBytes, verifyStream } from "../../base/stream/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { EMPTY_INDEX, formatImageIndex } from "../image-index.ts";
import { chooseNamed, type NamedDescriptor, type Store } from "../store.ts";
import { blobPath, BLOBS, INDEX_FILE, LAYOUT_FILE, LAYOUT_JSON, REF_NAME } from "./format.ts";
import { readIndexFile, updateIndexFile } from "./index-file.ts";
import { streamFile } from "./read-file.ts";

const SYNC_BYTES = 32 * 1024 * 1024;

export class LayoutStore implements Store {
  readonly description: string;
  readonly directory: string;
  readonly #onUse: (() => Promise<void>) | undefined;

  private constructor(directory: string, onUse?: () => Promise<void>) {
    this.directory = directory;
    this.description = `oci:${directory}`;
    this.#onUse = onUse;
  }

  /** An existing layout. Throws OciError NOT_FOUND, BAD_LAYOUT. */
  static async open(directory: string): Promise<LayoutStore> {
    await readIndexFile(directory);
    return new LayoutStore(directory);
  }

  /**
   * Opens a layout, makes it first where there is none. `onUse` runs before blobs are pushed or counted on: a layout
   * that is pruned learns there who is writing. Throws IoError.
   */
  static async create(directory: string, onUse?: () => Promise<void>): Promise<LayoutStore> {
    try {
      await mkdir(join(directory, BLOBS), { recursive: true });
    } catch (error) {
      throw writeError(directory, error);
    }
    await sweepPartials(directory);
    await sweepPartials(join(directory, BLOBS));
    // The index first: a directory with the marker file is a complete layout.
    if (!(await isFile(join(directory, LAYOUT_FILE)))) {
      if (!(await isFile(join(directory, INDEX_FILE))))
        await writeFileAtomic(join(directory, INDEX_FILE), formatImageIndex(EMPTY_INDEX));
      await writeFileAtomic(join(directory, LAYOUT_FILE), Buffer.from(LAYOUT_JSON));
    }
    await readIndexFile(directory);
    return new LayoutStore(directory, onUse);
  }

  /** In a layout that is pruned, a blob counts as fresh from now on: who asks for it is going to rely on it. */
  async exists(descriptor: Descriptor): Promise<boolean> {
    const path = this.blobPath(descriptor);
    try {
      if (this.#onUse !== undefined) await this.#touch(path, this.#onUse);
      return (await stat(path)).size === descriptor.sizeBytes;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  fetch(descriptor: Descriptor): AsyncIterable<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    return verifyStream(this.#read(descriptor, what, 0), descriptor, what);
  }

  fetchFrom(descriptor: Descriptor, offset: number): AsyncIterable<Uint8Array> {
    return this.#read(descriptor, `${descriptor.digest} of ${this.description}`, offset);
  }

  async *#read(descriptor: Descriptor, what: string, offset: number): AsyncGenerator<Uint8Array> {
    try {
      yield* streamFile(this.blobPath(descriptor), offset);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      throw new OciError("NOT_FOUND", `cannot read ${what}: the layout does not have this blob`, {
        hint: "Copy the image again: the layout is not complete",
        cause: error,
        data: { digest: descriptor.digest, store: this.description },
      });
    }
  }

  async push(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#onUse?.();
    await using file = await AtomicFile.create(this.blobPath(descriptor), { mode: 0o644, syncEveryBytes: SYNC_BYTES });
    await file.writeStream(verifyStream(bytes, descriptor, descriptor.digest));
    await file.commit();
  }

  /** Keeps bytes that are only being made: the descriptor is known at their end. Throws IoError. */
  async write(mediaType: string, bytes: AsyncIterable<Uint8Array>): Promise<Descriptor> {
    await this.#onUse?.();
    const options = { mode: 0o644, syncEveryBytes: SYNC_BYTES };
    await using file = await AtomicFile.create(join(this.directory, BLOBS, "new"), options);
    const hash = createHash("sha256");
    const sizeBytes = await file.writeStream(hashBytes(bytes, hash));
    const descriptor = { mediaType, digest: finishDigest(hash), sizeBytes };
    if (!(await this.exists(descriptor))) await file.commit({ as: this.blobPath(descriptor) });
    return descriptor;
  }

  async resolve(name?: string): Promise<Descriptor> {
    return chooseNamed(await this.list(), name, this.description);
  }

  async list(): Promise<readonly NamedDescriptor[]> {
    const { manifests } = await readIndexFile(this.directory);
    return manifests.map((descriptor) => ({ name: descriptor.annotations?.[REF_NAME], descriptor }));
  }

  async tag(descriptor: Descriptor, name: string): Promise<void> {
    const named = { ...descriptor, annotations: { ...descriptor.annotations, [REF_NAME]: name } };
    await updateIndexFile(this.directory, (index) => ({
      ...index,
      manifests: [
        // Content that had no name until now needs its nameless line no longer.
        ...index.manifests.filter(
          (other) => nameOf(other) !== name && (nameOf(other) !== undefined || other.digest !== descriptor.digest),
        ),
        named,
      ],
    }));
  }

  /** Lists an image without a name; where it is listed already, only its annotations are added. */
  async addUnnamed(descriptor: Descriptor): Promise<void> {
    const annotated = (listed: Descriptor): Descriptor =>
      listed.digest !== descriptor.digest || descriptor.annotations === undefined
        ? listed
        : { ...listed, annotations: { ...listed.annotations, ...descriptor.annotations } };
    await updateIndexFile(this.directory, (index) => ({
      ...index,
      manifests: index.manifests.some(({ digest }) => digest === descriptor.digest)
        ? index.manifests.map(annotated)
        : [...index.manifests, descriptor],
    }));
  }

  async delete(name: string): Promise<void> {
    let found = false;
    await updateIndexFile(this.directory, (index) => {
      const manifests = index.manifests.filter((other) => nameOf(other) !== name);
      found = manifests.length < index.manifests.length;
      return { ...index, manifests };
    });
    if (!found)
      throw new OciError("NOT_FOUND", `cannot forget ${JSON.stringify(name)}: ${this.description} has no such name`);
  }

  async #touch(path: string, onUse: () => Promise<void>): Promise<void> {
    try {
      await onUse();
      const now = new Date();
      await utimes(path, now, now);
    } catch (error) {
      // A store that we may not write to can be read all the same, and is pruned by somebody who may.
      if (!["EPERM", "EACCES", "EROFS"].includes(systemErrorCode(causeOf(error)) ?? "")) throw error;
    }
  }

  /** Where the blob is or would be. */
  blobPath(descriptor: Descriptor): string {
    return join(this.directory, blobPath(descriptor.digest));
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof IoError ? error.cause : error;
}

function nameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[REF_NAME];
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
