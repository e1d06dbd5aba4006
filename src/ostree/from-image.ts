// Image → ostree, as ostree-ext imports it (docs/formats/ostree.md): every layer becomes a commit under a blob
// ref, and a merge commit of all of them, which carries manifest and config, is what gets deployed. An encapsulated
// image (label ostree.final-diffid) begins with a base commit whose objects the layers hold; other layers lie on top.
import { digestOf } from "../base/digest.ts";
import { stringDictionary } from "../formats/gvariant/index.ts";
import { parsePrepareRoot, readText } from "../image/index.ts";
import { directory, type DirectoryInode } from "../tree/index.ts";
import { treeOfCommit } from "./checkout.ts";
import { commitTree, type StoredDirectories } from "./commit-tree.ts";
import { OstreeError } from "./errors.ts";
import { LayerFilter } from "./import/filter.ts";
import { type ImageDocuments, readImageDocuments } from "./import/image-documents.ts";
import type { LayerInput } from "./import/layer-input.ts";
import { LayerTreeBuilder } from "./import/layer-tree.ts";
import { dropPlaceholders, mergeLayer } from "./import/merge.ts";
import { readChunkLayer, readCommitLayer } from "./import/object-layer.ts";
import { ObjectSet } from "./object-set.ts";
import { imageRef, layerRef } from "./ref-name.ts";
import { type Labeller, loadLabeller } from "./selinux/index.ts";

/** The importer whose commits ours are equal to. */
const IMPORTER_VERSION = "0.15.3";

export interface ImageInput {
  /** As received: its digest is part of the merge commit. */
  readonly manifestBytes: Uint8Array;
  readonly configBytes: Uint8Array;
  /** In the manifest's order. */
  readonly layers: readonly LayerInput[];
  /** TRANSPORT:NAME as ostree-ext prints it, `docker://quay.io/a/b:42`; names the image ref. */
  readonly imageReference: string;
  /** Time of all commits when the image does not say when it was made; 0 unless told otherwise. */
  readonly fallbackSeconds?: number;
}

export interface ImportedLayer {
  readonly layerDigest: string;
  readonly checksum: string;
  readonly ref: string;
}

export interface ImportedImage {
  readonly mergeCommit: string;
  /** One for each layer, in order; of the commit layer it is the base commit itself. */
  readonly layerCommits: readonly ImportedLayer[];
  readonly baseCommit: string | undefined;
  readonly objects: ObjectSet;
  /** The merged tree; its files are the objects' inodes. */
  readonly tree: DirectoryInode;
  /** Name below refs/heads → commit: the blob refs and the image ref. */
  readonly refs: ReadonlyMap<string, string>;
  /** Entries that cannot be part of an ostree commit, by top-level name. */
  readonly dropped: ReadonlyMap<string, number>;
}

/**
 * Imports an image. Throws BAD_IMAGE, BAD_LAYER, UNSUPPORTED_FILE, CORRUPT_OBJECT, MISSING_OBJECT, BAD_POLICY.
 * File content is read only where a layer entry has no `ostreeChecksum`, or SELinux labels change it.
 */
export async function importImage(input: ImageInput): Promise<ImportedImage> {
  const documents = readImageDocuments(input.manifestBytes, input.configBytes);
  checkLayers(input, documents);
  const objects = new ObjectSet();
  const timestampSeconds = documents.createdSeconds ?? input.fallbackSeconds ?? 0;

  const encapsulated = await importEncapsulated(objects, input.layers.slice(0, encapsulatedLayers(documents)));
  const derived = input.layers.slice(encapsulated.layerCommits.length);
  const { trees, merged, dropped } = await readDerived(derived, encapsulated.baseTree);

  const labeller = derived.length > 0 ? await loadLabeller(merged) : undefined;
  const layerCommits = [...encapsulated.layerCommits];
  const cache: StoredDirectories = new Map();
  for (const [index, layer] of derived.entries()) {
    const tree = relabelled(labeller, trees[index] ?? directory());
    layerCommits.push(imported(layer, await commitLayer(objects, tree, timestampSeconds, cache)));
  }
  const { checksum: mergeCommit, tree } = await commitTree(objects, relabelled(labeller, merged), {
    metadata: mergeMetadata(documents, input.manifestBytes),
    parent: encapsulated.baseCommit,
    timestampSeconds,
    cache,
  });
  return {
    mergeCommit,
    layerCommits,
    baseCommit: encapsulated.baseCommit,
    objects,
    tree,
    refs: new Map([
      ...layerCommits.map(({ ref, checksum }) => [ref, checksum] as const),
      [imageRef(input.imageReference), mergeCommit],
    ]),
    dropped,
  };
}

function checkLayers(input: ImageInput, documents: ImageDocuments): void {
  const wanted = documents.layerDigests.join();
  const found = input.layers.map(({ digest }) => digest).join();
  if (wanted !== found)
    throw new OstreeError("BAD_IMAGE", `cannot import image: its manifest names layers ${wanted}, found ${found}`);
}

/** How many layers belong to the encapsulated commit; 0 for an ordinary image. */
function encapsulatedLayers({ finalDiffId, diffIds }: ImageDocuments): number {
  if (finalDiffId === undefined) return 0;
  const last = diffIds.indexOf(finalDiffId);
  if (last < 0)
    throw new OstreeError(
      "BAD_IMAGE",
      `cannot import image: label ostree.final-diffid names ${finalDiffId}, which is no layer of it`,
    );
  return last + 1;
}

interface Encapsulated {
  readonly baseCommit: string | undefined;
  readonly baseTree: DirectoryInode | undefined;
  readonly layerCommits: readonly ImportedLayer[];
}

async function importEncapsulated(objects: ObjectSet, layers: readonly LayerInput[]): Promise<Encapsulated> {
  const [commitLayer, ...chunks] = layers;
  if (commitLayer === undefined) return { baseCommit: undefined, baseTree: undefined, layerCommits: [] };
  const baseCommit = await readCommitLayer(objects, commitLayer);
  const layerCommits = [imported(commitLayer, baseCommit)];
  for (const layer of chunks)
    layerCommits.push(imported(layer, await commitChunk(objects, await readChunkLayer(objects, layer))));
  return { baseCommit, baseTree: treeOfCommit(objects, baseCommit), layerCommits };
}

/** A chunk is kept as a flat tree of its objects, so that none of them is pruned. */
async function commitChunk(objects: ObjectSet, checksums: readonly string[]): Promise<string> {
  const entries = checksums.map((checksum) => [checksum, objects.content(checksum)] as const);
  return (await commitTree(objects, directory({}, entries), { timestampSeconds: 0 })).checksum;
}

function imported(layer: LayerInput, checksum: string): ImportedLayer {
  return { layerDigest: layer.digest, checksum, ref: layerRef(layer.digest) };
}

interface Derived {
  /** Of each layer by itself. */
  readonly trees: readonly DirectoryInode[];
  readonly merged: DirectoryInode;
  readonly dropped: ReadonlyMap<string, number>;
}

async function readDerived(layers: readonly LayerInput[], baseTree: DirectoryInode | undefined): Promise<Derived> {
  const allowNonUsr = await allowsNonUsr(baseTree);
  const trees: DirectoryInode[] = [];
  const dropped = new Map<string, number>();
  let merged = baseTree;
  for (const layer of layers) {
    const filter = new LayerFilter({ allowNonUsr });
    const builder = new LayerTreeBuilder();
    for await (const entry of layer.entries) {
      const kept = filter.filter(entry);
      if (kept !== undefined) builder.add(kept);
    }
    const tree = builder.finish(merged);
    merged = mergeLayer(merged, tree);
    trees.push(tree);
    for (const [top, count] of filter.dropped) dropped.set(top, (dropped.get(top) ?? 0) + count);
  }
  return { trees, merged: dropPlaceholders(merged ?? directory()), dropped };
}

/** Whether layers may bring top-level names of their own (docs/formats/ostree.md). */
async function allowsNonUsr(baseTree: DirectoryInode | undefined): Promise<boolean> {
  if (baseTree === undefined) return true;
  for (const path of ["etc/ostree/prepare-root.conf", "usr/lib/ostree/prepare-root.conf"]) {
    const text = await readText(baseTree, path);
    if (text === undefined) continue;
    const { transientRoot, composefs } = parsePrepareRoot(text, path);
    return transientRoot || composefs !== "no";
  }
  return false;
}

function relabelled(labeller: Labeller | undefined, tree: DirectoryInode): DirectoryInode {
  return labeller === undefined ? tree : labeller.relabel(tree);
}

/** A layer commit. Nobody depends on its time; the image's makes runs agree. */
export async function commitLayer(
  objects: ObjectSet,
  tree: DirectoryInode,
  timestampSeconds: number,
  cache: StoredDirectories = new Map(),
): Promise<string> {
  const { checksum } = await commitTree(objects, tree, {
    metadata: stringDictionary({ "ostree.importer.version": IMPORTER_VERSION }),
    timestampSeconds,
    cache,
  });
  return checksum;
}

function mergeMetadata(documents: ImageDocuments, manifestBytes: Uint8Array): ReturnType<typeof stringDictionary> {
  return stringDictionary({
    "ostree.container.image-config": documents.configJson,
    "ostree.importer.version": IMPORTER_VERSION,
    "ostree.manifest": documents.manifestJson,
    "ostree.manifest-digest": digestOf(manifestBytes),
  });
}
