// A registry's directory (docs/formats/registry-storage.md): opens it, walks its repositories, keeps its parts together.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/io/index.ts";
import { RegistryServerError } from "../error.ts";
import { isRepositoryName, type RepositoryName } from "../names.ts";
import { Blobs } from "./blobs.ts";
import { ifThere, namesIn } from "./files.ts";
import { MARKER, MARKER_JSON, REPOSITORIES, StoragePaths } from "./paths.ts";
import { Repository } from "./repository.ts";
import { Uploads } from "./uploads.ts";

export interface StorageOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  /** Nothing is written, not even times of use. */
  readonly readOnly: boolean;
  /** What nobody has relied on for so long may be collected when nothing refers to it. */
  readonly graceMs: number;
  readonly maxUploadsPerOwner: number;
}

const MAX_DEPTH = 128;

export class Storage {
  readonly paths: StoragePaths;
  readonly blobs: Blobs;
  readonly uploads: Uploads;
  readonly options: StorageOptions;

  private constructor(paths: StoragePaths, options: StorageOptions) {
    this.paths = paths;
    this.blobs = new Blobs(paths);
    const { newId, now, maxUploadsPerOwner: maxPerOwner } = options;
    this.uploads = new Uploads(paths, this.blobs, { newId, now, maxPerOwner });
    this.options = options;
  }

  /** Makes the directory where there is none. Throws RegistryServerError BAD_STORAGE, IoError. */
  static async open(root: string, options: StorageOptions): Promise<Storage> {
    const storage = new Storage(new StoragePaths(root), options);
    const marker = join(root, MARKER);
    const found = await ifThere(readFile(marker, "utf8"));
    if (found !== undefined) assertVersion(root, found);
    else {
      // A file system of its own may have lost+found.
      if ((await namesIn(root)).some((name) => name !== "lost+found"))
        throw badStorage(root, `it has files but no ${MARKER}`, "Give an empty directory, or one that a registry made");
      if (options.readOnly) throw badStorage(root, "it is empty", "Start once without --read-only");
      await writeFileAtomic(marker, Buffer.from(MARKER_JSON));
    }
    if (!options.readOnly) await storage.blobs.prepare();
    return storage;
  }

  /** For one request: it carries the time of now. */
  repository(name: RepositoryName): Repository {
    const { now, graceMs, readOnly } = this.options;
    const touch = readOnly ? undefined : { nowMs: now(), staleAfterMs: graceMs / 2 };
    return new Repository(name, this.paths, this.blobs, touch);
  }

  /** Names of all repositories, sorted as bytes. */
  async repositories(): Promise<readonly RepositoryName[]> {
    const found: RepositoryName[] = [];
    const walk = async (prefix: string, depth: number): Promise<void> => {
      for (const name of await namesIn(join(this.paths.root, REPOSITORIES, prefix))) {
        if (name.startsWith("_") && isRepositoryName(prefix)) {
          if (found.at(-1) !== prefix) found.push(prefix);
        } else if (depth < MAX_DEPTH) {
          const below = prefix === "" ? name : `${prefix}/${name}`;
          if (isRepositoryName(below)) await walk(below, depth + 1);
        }
      }
    };
    await walk("", 0);
    return [...new Set(found)].sort();
  }

  /** Throws when the disk does not answer. */
  async check(): Promise<void> {
    await stat(join(this.paths.root, MARKER));
  }
}

function assertVersion(root: string, text: string): void {
  let version: unknown;
  try {
    version = (JSON.parse(text) as { registryStorageVersion?: unknown }).registryStorageVersion;
  } catch {
    version = undefined;
  }
  if (version !== 1)
    throw badStorage(
      root,
      `${MARKER} names version ${JSON.stringify(version)}, wanted is 1`,
      "Use the Slipway that made it",
    );
}

function badStorage(root: string, found: string, hint: string): RegistryServerError {
  return new RegistryServerError("BAD_STORAGE", `cannot keep a registry in ${root}: ${found}`, {
    hint,
    data: { path: root },
  });
}
