// The blobs of all repositories: one file a digest, which appears whole and synced under its name or not at all.
import { mkdir, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { sweepPartials, syncDirectory, writeFileAtomic } from "../../base/io/index.ts";
import type { ContentDigest } from "../names.ts";
import { ifThere, touch, type TouchOptions } from "./files.ts";
import type { StoragePaths } from "./paths.ts";

export class Blobs {
  readonly #paths: StoragePaths;

  constructor(paths: StoragePaths) {
    this.#paths = paths;
  }

  async prepare(): Promise<void> {
    for (const algorithm of ["sha256", "sha512"] as const) {
      await mkdir(this.#paths.blobs(algorithm), { recursive: true });
      await sweepPartials(this.#paths.blobs(algorithm));
    }
  }

  path(digest: ContentDigest): string {
    return this.#paths.blob(digest);
  }

  async sizeOf(digest: ContentDigest): Promise<number | undefined> {
    return (await ifThere(stat(this.path(digest))))?.size;
  }

  /** Size of a blob that is going to be relied upon. */
  touch(digest: ContentDigest, options: TouchOptions): Promise<number | undefined> {
    return touch(this.path(digest), options);
  }

  /** Keeps bytes that are known to have this digest. */
  write(digest: ContentDigest, bytes: Uint8Array): Promise<void> {
    return writeFileAtomic(this.path(digest), bytes, { mode: 0o644 });
  }

  /** Takes a synced file that is known to have this digest. */
  async adopt(digest: ContentDigest, file: string): Promise<void> {
    const path = this.path(digest);
    await rename(file, path);
    await syncDirectory(dirname(path));
  }
}
