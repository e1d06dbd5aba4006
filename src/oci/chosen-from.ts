// The indexes that an image of a layout was chosen from, outermost first: an annotation of its line in index.json names
// them, their documents lie beside it. So a signature of the index still speaks for the image that was pulled out of it.
import { DigestError } from "../base/digest.ts";
import { parseJson } from "../base/json.ts";
import { type Descriptor, formatDescriptor, readDescriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { parseImageIndex } from "./image-index.ts";
import { MAX_INDEX_DEPTH } from "./image.ts";
import { asArray } from "./json.ts";
import { fetchDocument, pushBytes, type ReadableStore, type Store } from "./store.ts";

const CHOSEN_FROM = "dev.slipway.chosen-from";

/** What the annotation says, true or not; an annotation that cannot be read says nothing. */
export function claimedIndexes({ annotations }: Descriptor): readonly Descriptor[] {
  const text = annotations?.[CHOSEN_FROM];
  if (text === undefined) return [];
  const place = { document: CHOSEN_FROM, path: "" };
  try {
    return asArray(parseJson(text), place, MAX_INDEX_DEPTH).map((value) => readDescriptor(value, place));
  } catch (error) {
    if (error instanceof OciError || error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Those that the image was chosen from indeed: each names the next by digest, the last one the image. Else none. */
export async function indexesOf(store: ReadableStore, image: Descriptor): Promise<readonly Descriptor[]> {
  const indexes = claimedIndexes(image);
  try {
    for (const [at, index] of indexes.entries()) {
      const next = indexes[at + 1] ?? image;
      const { manifests } = parseImageIndex(await fetchDocument(store, index), index.digest);
      if (!manifests.some(({ digest }) => digest === next.digest)) return [];
    }
    return indexes;
  } catch (error) {
    if (error instanceof OciError || error instanceof DigestError) return [];
    throw error;
  }
}

/** Puts the documents beside an image; returns the annotation that names them. */
export async function keepIndexes(
  from: ReadableStore,
  indexes: readonly Descriptor[],
  to: Store,
): Promise<Readonly<Record<string, string>>> {
  for (const index of indexes) await pushBytes(to, index, await fetchDocument(from, index));
  const plain = indexes.map(({ mediaType, digest, sizeBytes }) => formatDescriptor({ mediaType, digest, sizeBytes }));
  return { [CHOSEN_FROM]: JSON.stringify(plain) };
}
