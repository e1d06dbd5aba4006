// Garbage collection of a layout: blobs that no name leads to, and that no running command may be counting on, go.
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { link, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { digestHex } from "../../base/digest.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { writeError } from "../../base/io/index.ts";
import { claimedIndexes } from "../chosen-from.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { parseImageIndex } from "../image-index.ts";
import { parseManifest } from "../manifest.ts";
import { isIndexType, isManifestType } from "../media-types.ts";
import { fetchDocument, isAttachmentName, type ReadableStore } from "../store.ts";
import { BLOBS, REF_NAME } from "./format.ts";
import { updateIndexFile } from "./index-file.ts";
import { oldestSession } from "./sessions.ts";
import type { LayoutStore } from "./store.ts";

export interface PruneResult {
  readonly blobs: number;
  readonly bytes: number;
  /** Unreachable too, but a command that is running may have put them there, or be counting on them. */
  readonly kept: number;
}

/** Clocks of processes and of the file system differ by a tick. */
const MARGIN_MS = 100;
const ASIDE = ".pruned";
const HEX_LENGTH = 64;

/** Removes unreachable blobs; with `dryRun` only counts them. Throws OciError, IoError. */
export async function pruneLayout(
  store: LayoutStore,
  options: { readonly dryRun?: boolean } = {},
): Promise<PruneResult> {
  const directory = join(store.directory, BLOBS);
  await restoreAside(directory);
  // In this order: who has finished before we look for writers has its name in the index that we read next.
  const since = (await oldestSession(store.directory)) - MARGIN_MS;
  const isStale = await staleAttachments(store, since);
  const roots = (await store.list()).map(({ descriptor }) => descriptor);
  const reachable = await reachableFrom(
    store,
    roots.filter((root) => !isStale(root)),
  );
  if (options.dryRun !== true && roots.some(isStale)) {
    await updateIndexFile(store.directory, (index) => ({
      ...index,
      manifests: index.manifests.filter((each) => !isStale(each)),
    }));
  }
  const result = { blobs: 0, bytes: 0, kept: 0 };
  for (const name of await readdir(directory)) {
    if (!/^[0-9a-f]{64}$/.test(name) || reachable.has(name)) continue;
    const path = join(directory, name);
    const found = await statOf(path);
    if (found === undefined) continue;
    if (found.mtimeMs >= since || (options.dryRun !== true && !(await removeUntouched(path, since)))) {
      result.kept++;
      continue;
    }
    result.blobs++;
    result.bytes += found.size;
  }
  return result;
}

/**
 * Tells names of signatures and the like whose image is gone. It looks at the time of the blob when it is asked: within the
 * index's lock the answer holds, since who tags has touched before.
 */
async function staleAttachments(store: LayoutStore, sinceMs: number): Promise<(entry: Descriptor) => boolean> {
  const entries = (await store.list()).map(({ descriptor }) => descriptor);
  let live = entries.filter((entry) => subjectHex(entry) === undefined);
  let reachable = await reachableFrom(store, live);
  // What is attached may have something attached itself.
  for (;;) {
    const known = reachable;
    const more = entries.filter((entry) => !live.includes(entry) && known.has(subjectHex(entry) ?? ""));
    if (more.length === 0) break;
    live = [...live, ...more];
    reachable = await reachableFrom(store, live);
  }
  return (entry) => {
    const hex = subjectHex(entry);
    if (hex === undefined || reachable.has(hex)) return false;
    const found = statSync(store.blobPath(entry), { throwIfNoEntry: false });
    return found === undefined || found.mtimeMs < sinceMs;
  };
}

/** What an attachment belongs to, as its name says it; undefined for an image. */
function subjectHex({ annotations }: Descriptor): string | undefined {
  const name = annotations?.[REF_NAME];
  return isAttachmentName(name) ? name?.slice("sha256-".length).slice(0, HEX_LENGTH) : undefined;
}

/** Everything that the names of a store lead to, by hex digest. */
export async function reachableBlobs(store: ReadableStore): Promise<ReadonlyMap<string, Descriptor>> {
  return reachableFrom(
    store,
    (await store.list()).map(({ descriptor }) => descriptor),
  );
}

/** What is missing leads no further. */
async function reachableFrom(
  store: ReadableStore,
  roots: readonly Descriptor[],
): Promise<ReadonlyMap<string, Descriptor>> {
  const reachable = new Map<string, Descriptor>();
  const queue = [...roots];
  for (let descriptor = queue.pop(); descriptor !== undefined; descriptor = queue.pop()) {
    const hex = digestHex(descriptor.digest);
    if (reachable.has(hex)) continue;
    reachable.set(hex, descriptor);
    queue.push(...(await referencesOf(store, descriptor)));
  }
  // An image keeps the indexes that it was chosen from, not what else they name.
  for (const index of roots.flatMap(claimedIndexes)) reachable.set(digestHex(index.digest), index);
  return reachable;
}

async function referencesOf(store: ReadableStore, descriptor: Descriptor): Promise<readonly Descriptor[]> {
  const isIndex = isIndexType(descriptor.mediaType);
  if (!isIndex && !isManifestType(descriptor.mediaType)) return [];
  try {
    const bytes = await fetchDocument(store, descriptor);
    if (isIndex) return parseImageIndex(bytes, descriptor.digest).manifests;
    const { config, layers } = parseManifest(bytes, descriptor.digest);
    return [config, ...layers];
  } catch (error) {
    if (error instanceof OciError && error.code === "NOT_FOUND") return [];
    throw error;
  }
}

/** Out of sight first: who touched the blob before did so in time, who comes after does not find it and pushes it. */
async function removeUntouched(path: string, sinceMs: number): Promise<boolean> {
  // A name of its own: another prune may have an older one of the same blob aside.
  const aside = `${path}.${randomBytes(6).toString("hex")}${ASIDE}`;
  try {
    await rename(path, aside);
    const touched = ((await statOf(aside))?.mtimeMs ?? 0) >= sinceMs;
    if (touched) await putBack(aside, path);
    else await rm(aside, { force: true });
    return !touched;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw writeError(path, error);
  }
}

/** Never over a blob that was pushed in the meantime: its time is what protects it. */
async function putBack(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path);
    await rm(aside, { force: true });
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") await rm(aside, { force: true });
    // A file system without links.
    else await rename(aside, path);
  }
}

/** A prune that was killed may have had a blob aside that is needed: it comes back, and this run decides again. */
async function restoreAside(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.endsWith(ASIDE)) continue;
    // One that is running may be faster.
    await putBack(join(directory, name), join(directory, name.slice(0, HEX_LENGTH))).catch(() => undefined);
  }
}

async function statOf(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
