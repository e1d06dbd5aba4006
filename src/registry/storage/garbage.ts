// Garbage collection beside running pushes. Whoever relies on a file touches it first; what no manifest refers to and
// nobody has touched for the grace period goes. So a push never loses what it was told is there, in this process or in
// another one on the same directory.
import { join } from "node:path";
import type { RepositoryName } from "../names.ts";
import { namesIn, removeIdle, restoreAside } from "./files.ts";
import { digestFile, digestOfFile, isUploadId } from "./paths.ts";
import type { Storage } from "./storage.ts";

export interface Collected {
  readonly blobs: number;
  readonly links: number;
  readonly uploads: number;
}

/** One pass over everything. */
export async function collectGarbage(storage: Storage, signal?: AbortSignal): Promise<Collected> {
  const idleSinceMs = storage.options.now() - storage.options.graceMs;
  const counts = { blobs: 0, links: 0, uploads: 0 };
  /** Files of blobs that a repository has. */
  const kept = new Set<string>();
  for (const name of await storage.repositories()) {
    signal?.throwIfAborted();
    counts.uploads += await collectUploads(storage, name, idleSinceMs);
    counts.links += await collectLinks(storage, name, idleSinceMs, kept);
  }
  for (const algorithm of ["sha256", "sha512"] as const) {
    const directory = storage.paths.blobs(algorithm);
    await restoreAside(directory);
    for (const hex of await namesIn(directory)) {
      signal?.throwIfAborted();
      const file = `${algorithm}-${hex}`;
      if (digestOfFile(file) === undefined || kept.has(file)) continue;
      if (removeIdle(join(directory, hex), idleSinceMs)) counts.blobs++;
    }
  }
  return counts;
}

async function collectUploads(storage: Storage, name: RepositoryName, idleSinceMs: number): Promise<number> {
  const directory = storage.paths.uploads(name);
  let removed = 0;
  for (const id of await namesIn(directory)) {
    if (!isUploadId(id) || !removeIdle(join(directory, id), idleSinceMs)) continue;
    storage.uploads.forget(id);
    removed++;
  }
  return removed;
}

/** Removes a repository's links to blobs that none of its manifests names; notes the others. */
async function collectLinks(
  storage: Storage,
  name: RepositoryName,
  idleSinceMs: number,
  kept: Set<string>,
): Promise<number> {
  const directory = storage.paths.links(name);
  await restoreAside(directory);
  // Links before manifests: a manifest that comes meanwhile has touched what it names.
  const links = await namesIn(directory);
  const repository = storage.repository(name);
  const named = new Set<string>();
  for (const digest of await repository.manifestDigests()) {
    kept.add(digestFile(digest));
    for (const blob of await repository.blobsOf(digest)) named.add(digestFile(blob.digest));
  }
  let removed = 0;
  for (const link of links) {
    if (digestOfFile(link) === undefined) continue;
    if (!named.has(link) && removeIdle(join(directory, link), idleSinceMs)) removed++;
    else kept.add(link);
  }
  return removed;
}
