// What belongs to an image, and to each image of an index, comes along to where it was copied: its signatures; and where
// that is wanted what refers to it (image-spec manifest.md "subject"), what refers to that in turn, and what cosign keeps
// under names beside it. What the target has stays.
import type { Progress } from "../base/progress.ts";
import { keepIndexes } from "./chosen-from.ts";
import { copyImage, MAX_DEPTH } from "./copy.ts";
import type { Descriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { parseImageIndex } from "./image-index.ts";
import { parseManifest } from "./manifest.ts";
import { isDocumentType, isIndexType } from "./media-types.ts";
import { addReferrer, listReferrers, referrerOf, referrersTag, resolveIfThere } from "./referrers.ts";
import { addLayers } from "./signature/attach.ts";
import { copySignatures } from "./signature/copy.ts";
import { fetchDocument, type ReadableStore, type Store } from "./store.ts";

export interface CopyAttachedOptions {
  /** Everything that refers to the image, not its signatures alone. */
  readonly referrers?: boolean;
  /** The signatures that the target has room for. */
  readonly signatures?: "simple" | "all";
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

const MAX_REFERRERS = 1000;
const MAX_REFERRER_BYTES: number = 1024 ** 3;

/** Call it when the image is in place. Throws OciError LIMIT and what the stores throw. */
export async function copyAttached(
  from: ReadableStore,
  image: Descriptor,
  to: Store,
  options: CopyAttachedOptions = {},
): Promise<void> {
  const spent = { manifests: 0, bytes: 0 };
  const images = [...new Map((await imagesOf(from, image, 0)).map((each) => [each.digest, each])).values()];
  // Most have nothing, and are asked for it in vain.
  for (let at = 0; at < images.length; at += AT_ONCE) {
    const outcomes = await Promise.allSettled(
      images.slice(at, at + AT_ONCE).map(async (each) => {
        await copySignatures(from, each, to, options.signatures);
        if (options.referrers === true) await copyReferrers({ from, to, options, spent, image }, each, 0);
      }),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }
}

const AT_ONCE = 4;

/**
 * The indexes that an image was chosen from, outermost first, when that one is signed: documents and signatures. Returns
 * the annotation of the image that names them.
 */
export async function copySignedIndexes(
  from: ReadableStore,
  indexes: readonly Descriptor[],
  to: Store,
): Promise<Readonly<Record<string, string>>> {
  const [index] = indexes;
  if (index === undefined || (await copySignatures(from, index, to)) === 0) return {};
  return keepIndexes(from, indexes, to);
}

interface Route {
  readonly from: ReadableStore;
  readonly to: Store;
  readonly options: CopyAttachedOptions;
  readonly spent: { manifests: number; bytes: number };
  /** For messages. */
  readonly image: Descriptor;
}

/** The document itself and, of an index, its members. */
async function imagesOf(store: ReadableStore, image: Descriptor, depth: number): Promise<readonly Descriptor[]> {
  if (!isIndexType(image.mediaType) || depth > MAX_DEPTH) return [image];
  const { manifests } = parseImageIndex(await fetchDocument(store, image), image.digest);
  const found = [image];
  for (const each of manifests) found.push(...(await imagesOf(store, each, depth + 1)));
  return found;
}

async function copyReferrers(route: Route, subject: Descriptor, depth: number): Promise<void> {
  const { from, to } = route;
  await copyNamed(route, subject);
  const all = await listReferrers(from, subject.digest);
  // Each is read to see whether it does refer to the subject.
  if (all.length > MAX_REFERRERS) throw tooMuch(route, `${all.length} manifests may refer to ${subject.digest}`);
  for (const listed of all) {
    if (!isDocumentType(listed.mediaType)) continue;
    const document = await readDocument(from, listed);
    if (document.subject?.digest !== subject.digest) continue;
    if (depth > MAX_DEPTH) throw tooMuch(route, `what refers to it is more than ${MAX_DEPTH} deep`);
    await copyWithin(route, listed, undefined);
    await addReferrer(to, subject.digest, referrerOf(listed, document));
    await copySignatures(from, listed, to);
    await copyReferrers(route, listed, depth + 1);
  }
}

/** cosign's attestations, one layer each, join those that are there; of an SBOM there is one. */
async function copyNamed(route: Route, { digest }: Descriptor): Promise<void> {
  const { from, to } = route;
  const sbomName = `${referrersTag(digest)}.sbom`;
  const sbom = await resolveIfThere(from, sbomName);
  if (sbom !== undefined) await copyWithin(route, sbom, sbomName);
  const name = `${referrersTag(digest)}.att`;
  const attestations = await resolveIfThere(from, name);
  if (attestations === undefined) return;
  const { layers } = parseManifest(await fetchDocument(from, attestations), `${name} of ${from.description}`);
  spend(route, layers);
  for (const layer of layers) if (!(await to.exists(layer))) await to.push(layer, from.fetch(layer));
  await addLayers(to, name, layers);
}

async function copyWithin(route: Route, artifact: Descriptor, name: string | undefined): Promise<void> {
  const { from, to, options } = route;
  for (const each of await imagesOf(from, artifact, 0)) {
    const document = await readDocument(from, each);
    spend(route, "layers" in document ? [document.config, ...document.layers] : []);
  }
  const { progress, signal } = options;
  await copyImage(from, artifact, to, name, {
    ...(progress === undefined ? {} : { progress }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function readDocument(
  store: ReadableStore,
  descriptor: Descriptor,
): Promise<ReturnType<typeof parseImageIndex> | ReturnType<typeof parseManifest>> {
  const bytes = await fetchDocument(store, descriptor);
  const name = `${descriptor.digest} of ${store.description}`;
  return isIndexType(descriptor.mediaType) ? parseImageIndex(bytes, name) : parseManifest(bytes, name);
}

function spend(route: Route, blobs: readonly Descriptor[]): void {
  const { spent } = route;
  spent.manifests++;
  for (const { sizeBytes } of blobs) spent.bytes += sizeBytes;
  if (spent.manifests > MAX_REFERRERS) throw tooMuch(route, `more than ${MAX_REFERRERS} manifests belong to it`);
  if (spent.bytes > MAX_REFERRER_BYTES)
    throw tooMuch(route, `what belongs to it has more than ${MAX_REFERRER_BYTES} bytes`);
}

function tooMuch({ from, image }: Route, found: string): OciError {
  return new OciError("LIMIT", `cannot copy what refers to ${image.digest} of ${from.description}: ${found}`, {
    hint: "Leave out --referrers: the image and its signatures travel without",
  });
}
