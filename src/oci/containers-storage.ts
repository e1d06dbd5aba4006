// containers-storage: by way of podman, which alone knows its locks and drivers: images leave it and enter it as archives.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { makeTempDir } from "../base/io/index.ts";
import { run, type RunOptions } from "../base/process/index.ts";
import { ArchiveStore } from "./archive/reader.ts";
import { ArchiveWriter, OCI_ARCHIVE } from "./archive/writer.ts";
import type { Descriptor } from "./descriptor.ts";
import type { ReadableStore, Store } from "./store.ts";

const PODMAN: RunOptions = {
  installHint: "Install podman (apt install podman): only it can read and write containers-storage",
};

export interface StorageImage extends AsyncDisposable {
  readonly store: ReadableStore;
}

/** The image that podman has under a name, in an archive that goes with the result. Throws ProcessError NOT_INSTALLED, FAILED. */
export async function openStorageImage(name: string): Promise<StorageImage> {
  const directory = await makeTempDir("slipway-storage-");
  try {
    const path = join(directory.path, "image.tar");
    await run("podman", ["save", "--format", "oci-archive", "--output", path, name], PODMAN);
    const store = await ArchiveStore.open(path);
    return {
      store,
      [Symbol.asyncDispose]: async () => {
        store[Symbol.dispose]();
        await directory[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

export interface StorageDestination extends AsyncDisposable {
  readonly store: Store;
  publish(descriptor: Descriptor): Promise<void>;
}

/** A place that podman loads from when the image is complete. Throws ProcessError NOT_INSTALLED, FAILED. */
export async function createStorageImage(name: string): Promise<StorageDestination> {
  // Before anything is copied.
  await run("podman", ["--version"], PODMAN);
  const directory = await makeTempDir("slipway-storage-");
  const path = join(directory.path, "image.tar");
  const archive = await ArchiveWriter.create(OCI_ARCHIVE, path);
  return {
    store: archive,
    publish: async (descriptor) => {
      const temporary = `localhost/slipway-${randomUUID()}:load`;
      await archive.tag(descriptor, temporary);
      await archive.finish();
      await run("podman", ["load", "--quiet", "--input", path], PODMAN);
      await run("podman", ["tag", temporary, name], PODMAN);
      await run("podman", ["untag", temporary, temporary], PODMAN);
    },
    [Symbol.asyncDispose]: async () => {
      await archive[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
