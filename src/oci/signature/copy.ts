// Takes the signatures of an image along to where the image is copied. Those of the target stay; what is no usable
// signature does not travel.
import { copyImage } from "../copy.ts";
import type { Descriptor } from "../descriptor.ts";
import type { ReadableStore, Store } from "../store.ts";
import { addLayers } from "./attach.ts";
import { MAX_SIGNATURE_BYTES } from "./attached.ts";
import { type SignatureManifest, signatureManifests, signatureName } from "./find.ts";
import { addReferrer, referrerOf } from "../referrers.ts";
import { SIMPLE_SIGNING_TYPE } from "./simple-signing.ts";

/** Call it when the image is in place. Returns how many manifests of signatures there are. Throws what the stores throw. */
export async function copySignatures(
  from: ReadableStore,
  image: Descriptor,
  to: Store,
  forms: "simple" | "all" = "all",
): Promise<number> {
  let count = 0;
  for await (const found of signatureManifests(from, image.digest)) {
    if ("reason" in found || found.manifest.layers.some(({ sizeBytes }) => sizeBytes > MAX_SIGNATURE_BYTES)) continue;
    if (found.isTagged) await copyTagged(from, found, to, image);
    else if (forms === "all") await copyReferrer(from, found, to, image);
    count++;
  }
  return count;
}

async function copyTagged(from: ReadableStore, found: SignatureManifest, to: Store, image: Descriptor): Promise<void> {
  const layers = found.manifest.layers.filter(({ mediaType }) => mediaType === SIMPLE_SIGNING_TYPE);
  for (const layer of layers) if (!(await to.exists(layer))) await to.push(layer, from.fetch(layer));
  await addLayers(to, signatureName(image.digest), layers);
}

async function copyReferrer(
  from: ReadableStore,
  found: SignatureManifest,
  to: Store,
  image: Descriptor,
): Promise<void> {
  const copied = await copyImage(from, found.descriptor, to, undefined);
  await addReferrer(to, image.digest, referrerOf(copied, found.manifest));
}
