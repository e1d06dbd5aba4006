// A Store in an OCI image layout directory (image-spec image-layout.md). Blobs appear whole or not at all; index.json is
// replaced atomically under a lock. Blobs are kept exactly as received.
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../../base/errors.ts";
import { AtomicFile, sweepPartials, writeError, writeFileAtomic } from "../../base/io/index.ts";
import { verifyStream } from "../../base/stream/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { formatImageIndex } from "../image-index.ts";
import { chooseNamed, type NamedDescriptor, type Store } from "../store.ts";
import { blobPath, BLOBS, INDEX_FILE, LAYOUT_FILE, LAYOUT_JSON, REF_NAME } from "./format.ts";
import { EMPTY_INDEX, readIndexFile, updateIndexFile } from "./index-file.ts";
import { streamFile } from "./read-file.ts";

export class LayoutStore implements Store {
  readonly description: string;
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.description = `oci:${directory}`;
  }

  /** An existing layout. Throws OciError NOT_FOUND, BAD_LAYOUT. */
  static async open(directory: string): Promise<LayoutStore> {
    await readIndexFile(directory);
    return new LayoutStore(directory);
  }

  /** Opens a layout, makes it first where there is none. Throws IoError. */
  static async create(directory: string): Promise<LayoutStore> {
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
    return LayoutStore.open(directory);
  }

  async exists(descriptor: Descriptor): Promise<boolean> {
    try {
      return (await stat(this.blobPath(descriptor))).size === descriptor.sizeBytes;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  async *fetch(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    try {
      yield* verifyStream(streamFile(this.blobPath(descriptor)), descriptor, what);
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
    await using file = await AtomicFile.create(this.blobPath(descriptor), { mode: 0o644 });
    let offset = 0;
    for await (const chunk of verifyStream(bytes, descriptor, descriptor.digest)) {
      await file.write(offset, chunk);
      offset += chunk.length;
    }
    await file.commit();
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

  /** Where the blob is or would be. */
  blobPath(descriptor: Descriptor): string {
    return join(this.directory, blobPath(descriptor.digest));
  }
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
